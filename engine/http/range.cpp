#include "engine/http/range.hpp"

#include <algorithm>
#include <limits>

#include "engine/http/text.hpp"

namespace sluice::http {
namespace {

constexpr std::string_view kUnit = "bytes";

bool is_number(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// Digits that do not fit mean "beyond any image", which is what clamping needs to know.
std::uint64_t saturated(std::string_view digits) {
    return parse_number<std::uint64_t>(digits).value_or(std::numeric_limits<std::uint64_t>::max());
}

ResolvedRange part_or_unsatisfiable(ByteRange range) {
    if (range.begin >= range.end) return {RangeKind::unsatisfiable, {}};
    return {RangeKind::part, range};
}

// Takes "bytes" off the front, and what must follow it.
bool take_unit(std::string_view& field, char next) {
    if (field.size() <= kUnit.size() || field[kUnit.size()] != next ||
        !equal_ignoring_case(field.substr(0, kUnit.size()), kUnit))
        return false;
    field.remove_prefix(kUnit.size() + 1);
    return true;
}

}  // namespace

ResolvedRange resolve_range(std::string_view field, std::uint64_t length) {
    const ResolvedRange whole{RangeKind::whole, {0, length}};
    field = trim(field);
    if (field.size() > kMaxRangeField || !take_unit(field, '=')) return whole;
    const auto dash = field.find('-');
    if (dash == std::string_view::npos) return whole;
    const auto first = trim(field.substr(0, dash));
    const auto last = trim(field.substr(dash + 1));
    if (first.empty()) {  // the last N bytes
        if (!is_number(last)) return whole;
        return part_or_unsatisfiable({length - std::min(saturated(last), length), length});
    }
    if (!is_number(first) || !(last.empty() || is_number(last))) return whole;
    const auto begin = saturated(first);
    if (last.empty()) return part_or_unsatisfiable({begin, length});
    const auto through = saturated(last);
    if (through < begin) return whole;  // not the grammar: RFC 9110 §14.1.1 calls it invalid
    return part_or_unsatisfiable({begin, through >= length ? length : through + 1});
}

std::string format_range(ByteRange range) {
    return "bytes=" + std::to_string(range.begin) + "-" + std::to_string(range.end - 1);
}

std::optional<ContentRange> parse_content_range(std::string_view field) {
    field = trim(field);
    if (field.size() > kMaxRangeField || !take_unit(field, ' ')) return std::nullopt;
    const auto slash = field.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto span = field.substr(0, slash);
    const auto total = field.substr(slash + 1);
    ContentRange out;
    if (total != "*") {
        out.length = parse_number<std::uint64_t>(total);
        if (!out.length) return std::nullopt;
    }
    if (span == "*") return out.length ? std::optional(out) : std::nullopt;
    const auto dash = span.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto first = parse_number<std::uint64_t>(span.substr(0, dash));
    const auto last = parse_number<std::uint64_t>(span.substr(dash + 1));
    if (!first || !last || *last < *first || *last == std::numeric_limits<std::uint64_t>::max() ||
        (out.length && *last >= *out.length))
        return std::nullopt;
    out.bytes = ByteRange{*first, *last + 1};
    return out;
}

std::string format_content_range(ByteRange range, std::uint64_t length) {
    return "bytes " + std::to_string(range.begin) + "-" + std::to_string(range.end - 1) + "/" +
           std::to_string(length);
}

std::string format_unsatisfied_range(std::uint64_t length) {
    return "bytes */" + std::to_string(length);
}

}  // namespace sluice::http
