// The pass before RapidXML: depth, counts and what no CWMP message holds.
#include <algorithm>
#include <array>

#include "engine/cwmp/xml.hpp"

namespace sluice::cwmp {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Length of the well-formed UTF-8 sequence at the front of `s` (RFC 3629); 0: none.
std::size_t utf8_length(std::string_view s) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const auto lead = byte(0);
    if (lead < 0x80) return 1;
    std::size_t n = 0;
    unsigned low = 0x80, high = 0xBF;  // of the second byte
    if (lead >= 0xC2 && lead <= 0xDF) {
        n = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        n = 3;
        if (lead == 0xE0) low = 0xA0;   // overlong
        if (lead == 0xED) high = 0x9F;  // surrogates
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        n = 4;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;  // beyond U+10FFFF
    }
    if (n == 0 || s.size() < n || byte(1) < low || byte(1) > high) return 0;
    for (std::size_t i = 2; i < n; ++i)
        if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
    return n;
}

// One tag or other construct, from its '<'.
struct Construct {
    enum class Kind { open, close, empty, other } kind;
    std::size_t length;
    std::size_t attributes;
};

// Where the tag that starts at the front ends, quotes respected.
Result<Construct> read_tag(std::string_view s) {
    char quote = 0;
    std::size_t attributes = 0;
    for (std::size_t i = 1; i < s.size(); ++i) {
        const char c = s[i];
        if (quote != 0) {
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
            ++attributes;
        } else if (c == '<') {
            break;
        } else if (c == '>') {
            const auto kind = s[1] == '/'       ? Construct::Kind::close
                              : s[i - 1] == '/' ? Construct::Kind::empty
                                                : Construct::Kind::open;
            return Construct{kind, i + 1, attributes};
        }
    }
    return Error{"XML: a tag that does not end"};
}

Result<Construct> read_construct(std::string_view s) {
    const auto until = [&](std::string_view end) -> Result<Construct> {
        const auto at = s.find(end);
        if (at == s.npos) return Error{"XML: a comment or section that does not end"};
        return Construct{Construct::Kind::other, at + end.size(), 0};
    };
    if (s.starts_with("<!--")) return until("-->");
    if (s.starts_with("<![CDATA[")) return until("]]>");
    if (s.starts_with("<?")) return until("?>");
    if (s.starts_with("<!")) return Error{"XML: a DOCTYPE or entity declaration; SOAP has none"};
    return read_tag(s);
}

// Nearly all bytes of nearly all bodies: ASCII that a person can read, and white space.
constexpr auto kPlain = [] {
    std::array<bool, 256> out{};
    for (unsigned c = 0x20; c < 0x7F; ++c) out[c] = true;
    for (const char c : {'\t', '\n', '\r'}) out[static_cast<unsigned char>(c)] = true;
    return out;
}();

}  // namespace

Result<void> check_shape(std::string_view text, const XmlLimits& limits) {
    std::size_t depth = 0, elements = 0;
    for (std::size_t at = text.find('<'); at != text.npos; at = text.find('<', at)) {
        SLUICE_TRY(const auto construct, read_construct(text.substr(at)));
        if (construct.attributes > limits.attributes)
            return Error{"XML: more than " + std::to_string(limits.attributes) +
                         " attributes in one element"};
        using Kind = Construct::Kind;
        if (construct.kind == Kind::open || construct.kind == Kind::empty) {
            if (++elements > limits.elements)
                return Error{"XML: more than " + std::to_string(limits.elements) + " elements"};
            if (depth >= limits.depth)
                return Error{"XML: nested deeper than " + std::to_string(limits.depth)};
            if (depth == 0 && elements > 1) return Error{"XML: more than one root element"};
        }
        if (construct.kind == Kind::open) ++depth;
        if (construct.kind == Kind::close) {
            if (depth == 0) return Error{"XML: a closing tag without its opening one"};
            --depth;
        }
        at += construct.length;
    }
    if (elements == 0) return Error{"XML: no element"};
    if (depth != 0) return Error{"XML: " + std::to_string(depth) + " elements are not closed"};
    return success();
}

std::size_t first_document_length(std::string_view text) {
    std::size_t depth = 0;
    for (std::size_t at = text.find('<'); at != text.npos; at = text.find('<', at)) {
        const auto construct = read_construct(text.substr(at));
        if (!construct) return text.size();
        using Kind = Construct::Kind;
        const auto kind = construct.value().kind;
        at += construct.value().length;
        if (kind == Kind::open) ++depth;
        if (kind == Kind::close && depth > 0) --depth;
        if (depth == 0 && (kind == Kind::close || kind == Kind::empty)) return at;
    }
    return text.size();
}

std::size_t plain_length(std::string_view bytes) {
    std::size_t n = 0;
    while (n < bytes.size() && kPlain[static_cast<unsigned char>(bytes[n])]) ++n;
    return n;
}

std::vector<char> readable_text(std::string_view bytes) {
    std::vector<char> out;
    out.reserve(bytes.size() + 1);
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);  // byte order mark
    while (!bytes.empty()) {
        if (const auto plain = plain_length(bytes); plain > 0) {
            out.insert(out.end(), bytes.begin(),
                       bytes.begin() + static_cast<std::ptrdiff_t>(plain));
            bytes.remove_prefix(plain);
            continue;
        }
        const auto n = utf8_length(bytes);
        const auto lead = static_cast<unsigned char>(bytes[0]);
        const bool is_control = lead < 0x20 && lead != '\t' && lead != '\n' && lead != '\r';
        if (n == 0 || is_control) {
            out.insert(out.end(), kReplacement.begin(), kReplacement.end());
            bytes.remove_prefix(1);
            continue;
        }
        out.insert(out.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
        bytes.remove_prefix(n);
    }
    return out;
}

std::string escape_xml(std::string_view text) {
    const bool is_bare = text.find_first_of("&<>\"\r") == text.npos;
    if (is_bare && plain_length(text) == text.size()) return std::string(text);
    const auto readable = readable_text(text);
    std::string out;
    out.reserve(readable.size());
    for (const char c : readable) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\r':
                out += "&#13;";
                break;  // else it would come back as a newline
            default:
                out += c;
        }
    }
    return out;
}

}  // namespace sluice::cwmp
