#include "agent/configuration/record.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "engine/image/merkle.hpp"

namespace sluice::agent::configuration {
namespace {

constexpr std::string_view kFirstLine = "sluice-configuration 1";
constexpr std::size_t kMaxText = 64;
constexpr std::size_t kMaxCopies = 4;

// One line's worth, whatever it was.
std::string text_of(std::string_view text) {
    std::string out(text.substr(0, kMaxText));
    for (auto& c : out)
        if (c < ' ' || c > '~') c = '?';
    return out;
}

// The words of one line.
class Words {
public:
    explicit Words(std::string_view line) : rest_(line) {}
    std::string_view next() {
        const auto end = std::min(rest_.find(' '), rest_.size());
        const auto word = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        return word;
    }
    std::string_view rest() const { return rest_; }
    std::uint64_t number() {
        const auto word = next();
        std::uint64_t out = 0;
        const auto* const end = word.data() + word.size();
        const auto read = std::from_chars(word.data(), end, out);
        is_good = is_good && !word.empty() && read.ec == std::errc() && read.ptr == end;
        return out;
    }
    install::Slot slot() {
        const auto word = next();
        is_good = is_good && (word == "a" || word == "b");
        return word == "b" ? install::Slot::b : install::Slot::a;
    }
    bool is_good = true;

private:
    std::string_view rest_;
};

Copy* copy_of(Record& record, std::uint64_t number) {
    const auto at = std::ranges::find(record.copies, number, &Copy::number);
    return at == record.copies.end() ? nullptr : &*at;
}

bool read_copy(Words& words, Record& record) {
    Copy copy;
    copy.number = words.number();
    copy.length = words.number();
    copy.label.date.seconds = static_cast<std::int64_t>(words.number());
    const auto digest = image::Digest::from_hex(words.next());
    copy.sha256 = digest.value_or(image::Digest{});
    record.copies.push_back(std::move(copy));
    return digest && record.copies.size() <= kMaxCopies;
}

bool read_line(std::string_view line, Record& record) {
    Words words(line);
    const auto what = words.next();
    bool is_right = true;
    if (what == "next") {
        record.next = words.number();
    } else if (what == "live") {
        record.live = words.number();
        record.live_slot = words.slot();
    } else if (what == "staged") {
        record.staged = words.number();
    } else if (what == "slot") {
        auto& slot = record.at(words.slot());
        slot.copy = words.number();
        slot.is_exact = words.number() != 0;
    } else if (what == "copy") {
        is_right = read_copy(words, record);
    } else if (what == "name" || what == "version") {
        auto* const copy = copy_of(record, words.number());
        is_right = copy != nullptr;
        if (is_right) (what == "name" ? copy->label.name : copy->label.version) = words.rest();
    }  // else of a later version
    return is_right && words.is_good;
}

}  // namespace

Label kept(const Label& label) {
    return {text_of(label.name), text_of(label.version), label.date};
}

std::string Copy::version() const {
    return label.version.empty() ? sha256.hex().substr(0, 16) : label.version;
}

const Copy* Record::find(std::uint64_t number) const {
    const auto at = std::ranges::find(copies, number, &Copy::number);
    return at == copies.end() ? nullptr : &*at;
}

bool Record::names(std::uint64_t number) const {
    return number != 0 && (number == live || number == staged || number == slots[0].copy ||
                           number == slots[1].copy);
}

std::string to_text(const Record& record) {
    std::string out(kFirstLine);
    const auto add = [&](auto... words) { ((out += words), ...); };
    const auto number = [](std::uint64_t n) { return " " + std::to_string(n); };
    add("\nnext", number(record.next));
    add("\nlive", number(record.live), " ", std::string(1, install::letter(record.live_slot)));
    add("\nstaged", number(record.staged));
    for (const auto slot : {install::Slot::a, install::Slot::b})
        add("\nslot ", std::string(1, install::letter(slot)), number(record.at(slot).copy),
            number(record.at(slot).is_exact ? 1 : 0));
    for (const auto& copy : record.copies) {
        if (!record.names(copy.number)) continue;
        const auto seconds = std::max<std::int64_t>(copy.label.date.seconds, 0);
        add("\ncopy", number(copy.number), number(copy.length),
            number(static_cast<std::uint64_t>(seconds)), " ", copy.sha256.hex());
        add("\nname", number(copy.number), " ", text_of(copy.label.name));
        add("\nversion", number(copy.number), " ", text_of(copy.label.version));
    }
    out += "\n";
    return out + "end " + image::sha256(as_bytes(out)).hex() + "\n";
}

Result<Record> parse_record(std::string_view text) {
    if (text.size() > kMaxRecordBytes) return Error{"configuration record: too long"};
    const auto end = text.rfind("end ");
    if (!text.starts_with(kFirstLine) || end == text.npos ||
        text.substr(end) != "end " + image::sha256(as_bytes(text.substr(0, end))).hex() + "\n")
        return Error{"configuration record: not a whole one of version 1"};
    Record out;
    auto rest = text.substr(kFirstLine.size() + 1, end - kFirstLine.size() - 1);
    while (!rest.empty()) {
        const auto line = rest.substr(0, rest.find('\n'));
        if (!read_line(line, out))
            return Error{"configuration record: '" + std::string(line) + "' cannot be read"};
        rest.remove_prefix(line.size() + 1);
    }
    for (const auto number : {out.live, out.staged, out.slots[0].copy, out.slots[1].copy})
        if (number != 0 && (out.find(number) == nullptr || number >= out.next))
            return Error{"configuration record: it names a copy that it does not have"};
    return out;
}

}  // namespace sluice::agent::configuration
