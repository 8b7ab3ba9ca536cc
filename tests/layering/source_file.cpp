#include "tests/layering/source_file.hpp"

#include <algorithm>
#include <cctype>
#include <regex>

namespace sluice::layering {
namespace {

// Blanks comments, string and character literals; keeps every newline, so that lines still count.
// An include's own quotes are read from the text, not from here.
class Blanker {
public:
    std::string operator()(std::string_view text) {
        text_ = text;
        for (at_ = 0; at_ < text_.size();) step();
        return std::move(out_);
    }

private:
    void step() {
        if (starts("//")) return skip_past("\n", false);
        if (starts("/*")) return skip_past("*/", true);
        if (starts("R\"")) return skip_raw();
        if (text_[at_] == '"') return skip_quoted('"');
        // 1'000'000 is a number, 'x' is a literal.
        if (text_[at_] == '\'' && !(at_ > 0 && std::isalnum(byte(at_ - 1))))
            return skip_quoted('\'');
        out_ += text_[at_++];
    }
    void skip_past(std::string_view end, bool with_end) {
        const auto found = text_.find(end, at_ + 2);
        const auto stop = found == text_.npos ? text_.size() : found + (with_end ? end.size() : 0);
        blank_until(stop);
    }
    void skip_raw() {
        const auto open = text_.find('(', at_);
        if (open == text_.npos) return blank_until(text_.size());
        const auto mark = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
        const auto found = text_.find(mark, open);
        blank_until(found == text_.npos ? text_.size() : found + mark.size());
    }
    void skip_quoted(char quote) {
        auto end = at_ + 1;
        while (end < text_.size() && text_[end] != quote && text_[end] != '\n')
            end += text_[end] == '\\' ? 2 : 1;
        blank_until(std::min(end + 1, text_.size()));
    }
    void blank_until(std::size_t stop) {
        for (; at_ < stop; ++at_) out_ += text_[at_] == '\n' ? '\n' : ' ';
    }
    bool starts(std::string_view token) const { return text_.substr(at_).starts_with(token); }
    int byte(std::size_t i) const { return static_cast<unsigned char>(text_[i]); }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string out_;
};

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

}  // namespace

std::string SourceFile::folder() const {
    const auto slash = path.find('/');
    const auto second = path.find('/', slash + 1);
    return path.substr(0, second == path.npos ? slash : second);
}

bool SourceFile::is_in(std::string_view folder_path) const {
    return path.starts_with(folder_path) && path.size() > folder_path.size() &&
           path[folder_path.size()] == '/';
}

SourceFile read_source(std::string path, std::string_view text) {
    static const std::regex include(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
    static const std::regex pragma_once(R"(^\s*#\s*pragma\s+once\b)");

    SourceFile file;
    file.path = std::move(path);
    const auto raw = lines_of(text);
    const auto code = lines_of(Blanker{}(text));
    file.line_count = raw.size();
    for (std::size_t i = 0; i < code.size(); ++i) {
        std::smatch found;
        // The blanked line still has the directive when it is none inside a comment or literal.
        const bool is_directive = code[i].find('#') != std::string::npos;
        if (is_directive && std::regex_search(raw[i], found, include)) {
            file.includes.push_back({i + 1, found[2], found[1] == "\""});
        } else if (is_directive && std::regex_search(raw[i], pragma_once)) {
            file.has_pragma_once = true;
        } else {
            file.code.push_back({i + 1, code[i]});
        }
    }
    return file;
}

}  // namespace sluice::layering
