#include "engine/cwmp/xml.hpp"

#include <gmock/gmock.h>

namespace sluice::cwmp {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view text, const XmlLimits& limits = {}) {
    const auto parsed = XmlDocument::parse(text, limits);
    return parsed ? "accepted" : parsed.error().message;
}

TEST(Xml, ResolvesPrefixesToNamespacesWhereTheyAreInForce) {
    const auto parsed = XmlDocument::parse(
        "<a:r xmlns:a='urn:one' xmlns='urn:two'><a:c/><c x:t='v' xmlns:x='urn:x'> hi </c>"
        "<d xmlns:a='urn:three'><a:e/></d></a:r>");
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    const auto& root = parsed.value().root();
    EXPECT_EQ(root.uri, "urn:one");
    EXPECT_EQ(root.children.at(0).uri, "urn:one");
    EXPECT_EQ(root.children.at(1).uri, "urn:two");
    EXPECT_EQ(root.children.at(1).text, "hi");
    EXPECT_EQ(root.children.at(1).attribute("t"), "v");
    EXPECT_EQ(root.children.at(2).children.at(0).uri, "urn:three");
}

TEST(Xml, ReadsEntitiesCdataAndCharacterReferences) {
    const auto parsed = XmlDocument::parse("<r>&lt;a&amp;&#x41;<![CDATA[<b>]]>&#0;</r>");
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(parsed.value().root().text, "<a&A<b>\xEF\xBF\xBD");
}

TEST(Xml, MakesForeignCharsetsAndControlCharactersReadable) {
    const auto parsed = XmlDocument::parse("\xEF\xBB\xBF<r>caf\xE9\x01 \xC3\xA9</r>");
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(parsed.value().root().text, "caf\xEF\xBF\xBD\xEF\xBF\xBD \xC3\xA9");
}

TEST(Xml, RefusesWhatIsNotOneWellFormedElement) {
    const std::pair<const char*, const char*> cases[] = {
        {"", "no element"},
        {"text", "no element"},
        {"<a><b></a></b>", "XML: "},
        {"<a>", "1 elements are not closed"},
        {"</a>", "without its opening"},
        {"<a/><b/>", "more than one root"},
        {"<a", "does not end"},
        {"<a b='></a>", "does not end"},
        {"<!DOCTYPE r [<!ENTITY x 'y'>]><r>&x;</r>", "DOCTYPE"},
        {"<r><![CDATA[</r>", "does not end"},
        {"<r><!-- </r>", "does not end"},
    };
    for (const auto& [text, part] : cases) EXPECT_THAT(refusal(text), HasSubstr(part)) << text;
}

TEST(Xml, IsBoundedInSizeDepthElementsAndAttributes) {
    std::string deep, shut, wide = "<r>", many = "<r";
    for (int i = 0; i < 100'000; ++i) deep += "<a>", shut += "</a>";
    for (int i = 0; i < 50; ++i) wide += "<b/>", many += " a" + std::to_string(i) + "='1'";
    EXPECT_THAT(refusal(deep + shut), HasSubstr("nested deeper than 32"));
    EXPECT_THAT(refusal(wide + "</r>", {.elements = 50}), HasSubstr("more than 50 elements"));
    EXPECT_EQ(refusal(wide + "</r>", {.elements = 51}), "accepted");
    EXPECT_THAT(refusal(many + "/>"), HasSubstr("attributes"));
    EXPECT_THAT(refusal("<r>" + std::string(100, ' ') + "</r>", {.bytes = 50}),
                HasSubstr("longer than 50 bytes"));
}

TEST(Xml, EscapesWhatMustBeEscapedSoThatItComesBack) {
    const std::string text = "a<b>&\"c\r\nd";
    const auto parsed =
        XmlDocument::parse("<r x=\"" + escape_xml(text) + "\">" + escape_xml(text) + "</r>");
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
    EXPECT_EQ(parsed.value().root().text, text);
    EXPECT_EQ(parsed.value().root().attribute("x"), text);
}

}  // namespace
}  // namespace sluice::cwmp
