#include "acs-plugin/service/json_text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::service {

void JsonText::begin(std::string_view key) {
    text_.append(is_empty() ? "\"" : ",\"").append(key).append("\":");
}

void JsonText::append(std::string_view text) {
    const bool is_plain = std::ranges::all_of(
        text, [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
    if (is_plain)
        text_.append("\"").append(text).append("\"");
    else
        text_ +=
            nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void JsonText::add(std::string_view key, std::string_view text) {
    begin(key);
    append(text);
}

void JsonText::add(std::string_view key, const std::vector<std::string>& texts) {
    begin(key);
    text_ += '[';
    for (const auto& text : texts) {
        if (&text != &texts.front()) text_ += ',';
        append(text);
    }
    text_ += ']';
}

void JsonText::add(std::string_view key, JsonText&& object) {
    add_raw(key, std::move(object).finish());
}

void JsonText::add_raw(std::string_view key, std::string_view json) {
    begin(key);
    text_ += json;
}

}  // namespace sluice::service
