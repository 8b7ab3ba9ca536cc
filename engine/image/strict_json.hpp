#pragma once
// JSON as signed documents need it: bounded before it is parsed, one meaning for every text
// (duplicate keys refused), and read field by field with the path of what is wrong. Used by the
// codecs of this folder only.

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.hpp"
#include "engine/image/digest.hpp"
#include "engine/image/refusal.hpp"

namespace sluice::image {

inline constexpr std::size_t kMaxJsonDepth = 8;
inline constexpr std::size_t kMaxText = 256;

// Reads the members of one object. The first fault of a whole document is kept; from then on every
// read gives an empty value, so that a codec reads all its fields and looks once at the end.
class ObjectReader {
public:
    ObjectReader(const nlohmann::json* object, std::string path, std::optional<Refused>& fault)
        : object_(object), path_(std::move(path)), fault_(&fault) {}

    std::string text(const char* key, std::size_t max_length = kMaxText) const;  // not empty
    std::vector<std::string> texts(const char* key, std::size_t max_count) const;
    std::uint64_t number(const char* key, std::uint64_t min, std::uint64_t max) const;
    bool boolean(const char* key) const;
    Digest digest(const char* key) const;  // 64 lower-case hex digits
    UtcTime utc(const char* key) const;
    Bytes base64(const char* key, std::size_t max_length) const;
    std::string oui(const char* key) const;  // six hex digits, upper case
    ObjectReader object(const char* key) const;
    std::vector<ObjectReader> objects(const char* key, std::size_t max_count) const;
    bool has(const char* key) const;

    void refuse(const char* key, const std::string& what) const;

private:
    const nlohmann::json* find(const char* key) const;

    const nlohmann::json* object_;  // null after a fault
    std::string path_;              // "device."
    std::optional<Refused>* fault_;
};

class JsonDocument {
public:
    // Refused: above `max_length`, deeper than kMaxJsonDepth, duplicate keys, or not an object.
    static Result<JsonDocument, Refused> parse(std::string_view text, std::size_t max_length);
    JsonDocument(JsonDocument&&) noexcept;
    ~JsonDocument();

    ObjectReader root(std::optional<Refused>& fault) const;

private:
    explicit JsonDocument(std::unique_ptr<nlohmann::json> value);
    std::unique_ptr<nlohmann::json> value_;
};

// A payload names in `critical` what a reader must know; anything beyond `known` is refused.
void check_critical(const ObjectReader& root, std::span<const std::string_view> known,
                    std::optional<Refused>& fault);

}  // namespace sluice::image
