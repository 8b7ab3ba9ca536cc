#pragma once
// Members of JSON objects, read with bounds: what device_state.cpp reads its file by. Heavy: for
// few sources.

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "engine/base/time.hpp"
#include "engine/image/digest.hpp"

namespace sluice::agent::management {

// Reads members of one object. The first thing that is wrong ends all reading, and is told.
class Reader {
public:
    Reader(const nlohmann::json& object, std::string& wrong) : object_(object), wrong_(wrong) {
        if (!object.is_object()) fail("an object is not one");
    }

    void read(const char* key, std::string& into) const {
        if (const auto* value = find(key, &nlohmann::json::is_string)) {
            into = value->get<std::string>();
            if (into.size() > kMaxText) fail(key);
        }
    }
    void read(const char* key, bool& into) const {
        if (const auto* value = find(key, &nlohmann::json::is_boolean)) into = value->get<bool>();
    }
    template <class Unsigned>
    requires std::is_unsigned_v<Unsigned>
    void read(const char* key, Unsigned& into) const {
        const auto* value = find(key, &nlohmann::json::is_number_unsigned);
        if (value == nullptr) return;
        const auto number = value->get<std::uint64_t>();
        if (number > std::numeric_limits<Unsigned>::max()) return fail(key);
        into = static_cast<Unsigned>(number);
    }
    template <class Enum>
    void read_enum(const char* key, Enum& into, Enum last) const {
        std::uint8_t number = static_cast<std::uint8_t>(into);
        read(key, number);
        if (number > static_cast<std::uint8_t>(last)) return fail(key);
        into = static_cast<Enum>(number);
    }
    void read(const char* key, UtcTime& into) const {
        std::uint64_t seconds = static_cast<std::uint64_t>(into.seconds);
        read(key, seconds);
        if (seconds > 253'402'300'799ull) return fail(key);  // the year 9999
        into.seconds = static_cast<std::int64_t>(seconds);
    }
    void read(const char* key, image::Digest& into) const {
        std::string hex;
        read(key, hex);
        if (hex.empty()) return;
        const auto digest = image::Digest::from_hex(hex);
        if (!digest) return fail(key);
        into = *digest;
    }
    // `take` is called with a Reader for each element.
    template <class Take>
    void read_list(const char* key, std::size_t most, Take take) const {
        const auto* list = find(key, &nlohmann::json::is_array);
        if (list == nullptr) return;
        if (list->size() > most) return fail(key);
        for (const auto& each : *list) take(Reader(each, wrong_));
    }
    const nlohmann::json* find(const char* key,
                               bool (nlohmann::json::*is_right)() const noexcept) const {
        if (!wrong_.empty()) return nullptr;
        const auto at = object_.find(key);
        if (at == object_.end()) return nullptr;
        if (((*at).*is_right)()) return &*at;
        fail(key);
        return nullptr;
    }
    void fail(const char* what) const {
        if (wrong_.empty()) wrong_ = what;
    }

private:
    static constexpr std::size_t kMaxText = 8192;
    const nlohmann::json& object_;
    std::string& wrong_;
};

}  // namespace sluice::agent::management
