#include "agent/management/state_reader.hpp"

#include <nlohmann/json.hpp>

namespace sluice::agent::management {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxText = 8192;
constexpr std::uint64_t kEndOfYear9999 = 253'402'300'799;

}  // namespace

Reader::Reader(const json& object, std::string& wrong) : object_(object), wrong_(wrong) {
    if (!object.is_object()) fail("an object is not one");
}

void Reader::fail(const char* what) const {
    if (wrong_.empty()) wrong_ = what;
}

const json* Reader::find(const char* key, Kind is_right) const {
    if (!wrong_.empty()) return nullptr;
    const auto at = object_.find(key);
    if (at == object_.end()) return nullptr;
    if (is_right(*at)) return &*at;
    fail(key);
    return nullptr;
}

const json* Reader::object(const char* key) const {
    return find(key, [](const json& value) { return value.is_object(); });
}

std::optional<std::uint64_t> Reader::number_of(const char* key) const {
    const auto* value = find(key, [](const json& is) { return is.is_number_unsigned(); });
    if (value == nullptr) return std::nullopt;
    return value->get<std::uint64_t>();
}

void Reader::read(const char* key, std::string& into) const {
    const auto* value = find(key, [](const json& is) { return is.is_string(); });
    if (value == nullptr) return;
    into = value->get<std::string>();
    if (into.size() > kMaxText) fail(key);
}

void Reader::read(const char* key, bool& into) const {
    const auto* value = find(key, [](const json& is) { return is.is_boolean(); });
    if (value != nullptr) into = value->get<bool>();
}

void Reader::read(const char* key, UtcTime& into) const {
    std::uint64_t seconds = static_cast<std::uint64_t>(into.seconds);
    read(key, seconds);
    if (seconds > kEndOfYear9999) return fail(key);
    into.seconds = static_cast<std::int64_t>(seconds);
}

void Reader::read(const char* key, image::Digest& into) const {
    std::string hex;
    read(key, hex);
    if (hex.empty()) return;
    const auto digest = image::Digest::from_hex(hex);
    if (!digest) return fail(key);
    into = *digest;
}

void Reader::read_list(const char* key, std::size_t most,
                       const std::function<void(const Reader&)>& take) const {
    const auto* list = find(key, [](const json& is) { return is.is_array(); });
    if (list == nullptr) return;
    if (list->size() > most) return fail(key);
    for (const auto& each : *list) take(Reader(each, wrong_));
}

}  // namespace sluice::agent::management
