#include "engine/http/auth_fields.hpp"

#include <algorithm>

#include "engine/http/text.hpp"

namespace sluice::http {
namespace {

class Reader {
public:
    explicit Reader(std::string_view text) : rest_(text) {}

    bool is_done() const { return rest_.empty(); }
    void skip_space() { rest_ = trim(rest_); }
    bool skip_commas() {
        bool any = false;
        skip_space();
        while (take(',')) {
            any = true;
            skip_space();
        }
        return any;
    }
    bool take(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::string_view token() {
        std::size_t n = 0;
        while (n < rest_.size() && is_token_char(rest_[n])) ++n;
        return cut(n);
    }
    // Only where nothing but a comma or the end follows: "abc=" is a token68, "abc=x" a parameter.
    std::string_view token68() {
        std::size_t n = 0;
        while (n < rest_.size() &&
               (is_digit(rest_[n]) || is_letter(rest_[n]) ||
                std::string_view("-._~+/").find(rest_[n]) != std::string_view::npos))
            ++n;
        if (n == 0) return {};
        while (n < rest_.size() && rest_[n] == '=') ++n;
        const auto after = trim(rest_.substr(n));
        return after.empty() || after.front() == ',' ? cut(n) : std::string_view{};
    }
    std::optional<std::string> quoted_string() {
        if (!take('"')) return std::nullopt;
        std::string out;
        while (!rest_.empty()) {
            out += cut(std::min(rest_.find_first_of("\"\\"), rest_.size()));
            if (rest_.empty()) break;
            if (cut(1).front() == '"') return out;
            if (rest_.empty()) break;
            out += cut(1).front();  // what the backslash escapes
        }
        return std::nullopt;
    }
    bool is_at(char c) const { return !rest_.empty() && rest_.front() == c; }
    bool is_at_space() const { return !rest_.empty() && is_space(rest_.front()); }

private:
    std::string_view cut(std::size_t n) {
        const auto out = rest_.substr(0, n);
        rest_.remove_prefix(n);
        return out;
    }
    std::string_view rest_;
};

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out) c = to_lower(c);
    return out;
}

// What stands after "name =": a token or a quoted-string.
std::optional<std::string> read_value(Reader& in) {
    in.skip_space();
    if (in.is_at('"')) return in.quoted_string();
    const auto token = in.token();
    if (token.empty()) return std::nullopt;
    return std::string(token);
}

}  // namespace

const std::string* AuthScheme::find(std::string_view parameter) const {
    for (const auto& [known, value] : parameters)
        if (known == parameter) return &value;
    return nullptr;
}

std::optional<std::vector<AuthScheme>> parse_auth_field(std::string_view field) {
    if (field.size() > kMaxAuthField) return std::nullopt;
    std::vector<AuthScheme> out;
    std::size_t parameters = 0;
    Reader in(field);
    in.skip_commas();
    while (!in.is_done()) {
        const auto word = in.token();
        if (word.empty() || ++parameters > kMaxAuthParameters) return std::nullopt;
        const bool is_spaced = in.is_at_space();
        in.skip_space();
        if (in.take('=')) {  // a parameter of the scheme before it
            auto value = read_value(in);
            auto name = lower(word);
            if (!value || out.empty() || !out.back().token68.empty() || out.back().find(name))
                return std::nullopt;
            out.back().parameters.emplace_back(std::move(name), std::move(*value));
        } else {
            out.push_back({std::string(word), {}, {}});
            out.back().parameters.reserve(12);  // a Digest answer's
            if (is_spaced) out.back().token68 = in.token68();
            if (is_spaced && out.back().token68.empty() && !in.is_done() && !in.is_at(','))
                continue;  // its first parameter follows without a comma
        }
        if (!in.skip_commas() && !in.is_done()) return std::nullopt;
    }
    return out;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

}  // namespace sluice::http
