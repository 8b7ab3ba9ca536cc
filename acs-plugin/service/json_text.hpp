#pragma once
// One JSON object, written member by member as text: for what is written thousands of times a
// second, of texts that hardly ever need an escape. Keys are literals of the callers.

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sluice::service {

class JsonText {
public:
    // Bytes that are not UTF-8 become U+FFFD.
    void add(std::string_view key, std::string_view text);
    void add(std::string_view key, const char* text) { add(key, std::string_view(text)); }
    void add(std::string_view key, const std::vector<std::string>& texts);
    void add(std::string_view key, JsonText&& object);
    void add(std::string_view key, std::integral auto value) {
        if constexpr (std::is_same_v<decltype(value), bool>)
            add_raw(key, value ? "true" : "false");
        else
            add_raw(key, std::to_string(value));
    }
    void add_raw(std::string_view key, std::string_view json);

    bool is_empty() const { return text_.size() == 1; }
    std::string finish() && { return std::move(text_) + "}"; }

private:
    void begin(std::string_view key);
    void append(std::string_view text);

    std::string text_ = "{";
};

}  // namespace sluice::service
