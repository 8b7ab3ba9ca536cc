#include "engine/cwmp/xml.hpp"

#include <algorithm>
#include <rapidxml/rapidxml.hpp>
#include <utility>

namespace sluice::cwmp {
namespace {

using Node = rapidxml::xml_node<char>;
using Attr = rapidxml::xml_attribute<char>;

std::string_view name_of(const rapidxml::xml_base<char>& b) {
    return {b.name(), b.name_size()};
}
std::string_view value_of(const rapidxml::xml_base<char>& b) {
    return {b.value(), b.value_size()};
}

std::pair<std::string_view, std::string_view> split_prefix(std::string_view name) {
    const auto colon = name.find(':');
    if (colon == name.npos) return {{}, name};
    return {name.substr(0, colon), name.substr(colon + 1)};
}

// A prefix in force, the innermost last.
struct Binding {
    std::string_view prefix, uri;
};

std::string_view uri_of(std::string_view prefix, const std::vector<Binding>& bindings) {
    const auto it = std::find_if(bindings.rbegin(), bindings.rend(),
                                 [&](const auto& b) { return b.prefix == prefix; });
    return it == bindings.rend() ? std::string_view{} : it->uri;
}

std::string_view trim(std::string_view s) {
    constexpr std::string_view kSpace = " \t\r\n";
    const auto begin = s.find_first_not_of(kSpace);
    if (begin == s.npos) return {};
    return s.substr(begin, s.find_last_not_of(kSpace) - begin + 1);
}

// Recurses once a level: check_shape has bounded the levels.
Element convert(const Node& node, std::vector<Binding>& bindings) {
    const auto outer = bindings.size();
    Element out;
    for (const Attr* a = node.first_attribute(); a != nullptr; a = a->next_attribute()) {
        const auto [prefix, local] = split_prefix(name_of(*a));
        if (prefix == "xmlns") {
            bindings.push_back({local, value_of(*a)});
        } else if (prefix.empty() && local == "xmlns") {
            bindings.push_back({{}, value_of(*a)});
        } else {
            out.attributes.push_back({local, value_of(*a)});
        }
    }
    const auto [prefix, local] = split_prefix(name_of(node));
    out.name = local;
    out.uri = uri_of(prefix, bindings);
    std::string_view text;
    std::string joined;  // of several parts
    for (const Node* c = node.first_node(); c != nullptr; c = c->next_sibling()) {
        if (c->type() == rapidxml::node_element) {
            out.children.push_back(convert(*c, bindings));
        } else if (c->type() == rapidxml::node_data || c->type() == rapidxml::node_cdata) {
            if (text.empty()) {
                text = value_of(*c);
            } else {
                joined = std::string(text) + std::string(value_of(*c));
                text = joined;
            }
        }
    }
    // &#0; and its kin come out of the parser as what readable_text had taken out before it.
    text = trim(text);
    if (plain_length(text) == text.size()) {
        out.text = text;
    } else {
        const auto readable = readable_text(text);
        out.text.assign(readable.begin(), readable.end());
    }
    bindings.resize(outer);
    return out;
}

}  // namespace

const Element* Element::child(std::string_view local_name) const {
    const auto it = std::find_if(children.begin(), children.end(),
                                 [&](const auto& c) { return c.name == local_name; });
    return it == children.end() ? nullptr : &*it;
}

std::string_view Element::child_text(std::string_view local_name) const {
    const auto* found = child(local_name);
    return found == nullptr ? std::string_view{} : std::string_view{found->text};
}

std::string_view Element::attribute(std::string_view local_name) const {
    const auto it = std::find_if(attributes.begin(), attributes.end(),
                                 [&](const auto& a) { return a.name == local_name; });
    return it == attributes.end() ? std::string_view{} : it->value;
}

Result<XmlDocument> XmlDocument::parse(std::string_view bytes, const XmlLimits& limits) {
    if (bytes.size() > limits.bytes)
        return Error{"XML: longer than " + std::to_string(limits.bytes) + " bytes"};
    XmlDocument out;
    out.text_ = readable_text(bytes);
    const std::string_view text{out.text_.data(), out.text_.size()};
    SLUICE_CHECK(check_shape(text, limits));
    out.text_.push_back('\0');
    rapidxml::xml_document<char> document;
    try {
        document.parse<rapidxml::parse_validate_closing_tags>(out.text_.data());
    } catch (const rapidxml::parse_error& e) {
        return Error{std::string("XML: ") + e.what()};
    }
    const Node* root = document.first_node();
    while (root != nullptr && root->type() != rapidxml::node_element) root = root->next_sibling();
    if (root == nullptr) return Error{"XML: no element"};
    std::vector<Binding> bindings;
    out.root_ = convert(*root, bindings);
    return out;
}

}  // namespace sluice::cwmp
