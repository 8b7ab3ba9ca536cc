#pragma once
// Untrusted XML into a small tree, bounded before and while it is read. RapidXML does the parsing,
// behind a guard: it recurses once a level, checks neither UTF-8 nor namespaces, and takes &#0; for
// the end of the text. CPEs send control characters and foreign charsets; those are made readable,
// not refused.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace sluice::cwmp {

struct XmlLimits {
    std::size_t bytes = 1024 * 1024;
    std::size_t depth = 32;
    std::size_t elements = 40'000;
    std::size_t attributes = 24;  // of one element
};

struct Element {
    std::string_view name;  // local name
    std::string_view uri;   // of its namespace; empty: none
    std::string text;       // its own, trimmed at both ends
    std::vector<Element> children;

    // The first child of that local name, whatever its prefix; nullptr: none.
    const Element* child(std::string_view local_name) const;
    // Its text; empty where it is absent.
    std::string_view child_text(std::string_view local_name) const;
    // The value of the attribute of that local name (xsi:type, mustUnderstand); empty: none.
    std::string_view attribute(std::string_view local_name) const;

    struct Attribute {
        std::string_view name, value;
    };
    std::vector<Attribute> attributes;
};

// Owns the text that the tree's views point into.
class XmlDocument {
public:
    static Result<XmlDocument> parse(std::string_view bytes, const XmlLimits& limits = {});

    XmlDocument(XmlDocument&&) = default;
    XmlDocument& operator=(XmlDocument&&) = default;
    const Element& root() const { return root_; }

private:
    XmlDocument() = default;

    std::vector<char> text_;  // parsed in place; its bytes stay where they are when moved
    Element root_;
};

// What RapidXML must never see: refused with one line, found in one pass without recursion.
Result<void> check_shape(std::string_view text, const XmlLimits& limits);
// Where the first of several documents in a row ends: behind its root element. The whole length
// when it does not end.
std::size_t first_document_length(std::string_view text);
// How many bytes at the front readable_text leaves as they are, seen at a glance: printable ASCII.
std::size_t plain_length(std::string_view bytes);
// Bytes that are not UTF-8, and characters that XML 1.0 has no place for, become U+FFFD.
std::vector<char> readable_text(std::string_view bytes);
// For element and attribute text.
std::string escape_xml(std::string_view text);

}  // namespace sluice::cwmp
