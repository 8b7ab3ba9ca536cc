#pragma once
// How policies, sites and Assignments come in from JSON: one object is asked for its fields by name
// and bounds. The first fault is kept, with the path of the field at fault; after it every answer
// is the fallback, so that a reader is written as a plain list of fields and asked once at the end.
//
//   SLUICE_TRY(auto document, JsonDocument::parse(text, 64 * 1024));
//   auto policy = document.root(UnknownKeys::refused);
//   out.masters = policy.number_or("masters", 1, 1, 16);
//   SLUICE_CHECK(document.verdict());

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace sluice::grouping {

enum class UnknownKeys : std::uint8_t { refused, ignored };

class JsonDocument;

// A view of one object. Lives no longer than its document. Readers of one document share its fault.
class JsonReader {
public:
    std::string text(std::string_view key, std::size_t min_length, std::size_t max_length);
    std::string text_or(std::string_view key, const std::string& fallback, std::size_t max_length);
    std::uint64_t number(std::string_view key, std::uint64_t min, std::uint64_t max);
    std::uint64_t number_or(std::string_view key, std::uint64_t fallback, std::uint64_t min,
                            std::uint64_t max);
    double real_or(std::string_view key, double fallback, double min, double max);
    bool flag_or(std::string_view key, bool fallback);
    // The place of the value in `names`.
    std::size_t choice(std::string_view key, std::span<const std::string_view> names);
    std::size_t choice_or(std::string_view key, std::size_t fallback,
                          std::span<const std::string_view> names);
    // Strings out of `names`, none of them twice; as places.
    std::vector<std::size_t> choices(std::string_view key, std::span<const std::string_view> names);

    bool has(std::string_view key) const;
    std::optional<JsonReader> object_if_any(std::string_view key);
    // An object that somebody else reads, as text; empty: none.
    std::string object_text_or_none(std::string_view key);
    JsonReader object(std::string_view key);  // a missing one reads as an empty object
    std::vector<JsonReader> objects(std::string_view key, std::size_t min, std::size_t max);
    std::vector<std::string> texts_or_none(std::string_view key, std::size_t max,
                                           std::size_t max_length);

    // A fault that the caller found itself.
    void refuse(std::string_view key, const std::string& why);
    // Said once all fields have been asked for: refuses keys nobody asked for, unless ignored.
    void finish();

private:
    friend class JsonDocument;
    JsonReader(JsonDocument& document, const nlohmann::json& object, std::string path,
               UnknownKeys unknown);
    const nlohmann::json* find(std::string_view key);
    const nlohmann::json* need(std::string_view key);
    std::string path_of(std::string_view key) const;
    std::uint64_t checked(std::string_view key, const nlohmann::json& value, std::uint64_t min,
                          std::uint64_t max, std::uint64_t fallback);

    JsonDocument* document_;
    const nlohmann::json* object_;
    std::string path_;
    UnknownKeys unknown_;
    std::vector<std::string_view> asked_;  // keys are literals of the callers
};

class JsonDocument {
public:
    // Refused: longer than max_bytes, not JSON, not an object, a key twice in one object.
    static Result<JsonDocument> parse(std::string_view text, std::size_t max_bytes);
    JsonDocument(JsonDocument&&) noexcept;
    JsonDocument& operator=(JsonDocument&&) noexcept;
    ~JsonDocument();

    JsonReader root(UnknownKeys unknown);
    Result<void> verdict() const;

private:
    friend class JsonReader;
    JsonDocument();
    std::unique_ptr<nlohmann::json> json_;
    std::optional<std::string> fault_;
};

}  // namespace sluice::grouping
