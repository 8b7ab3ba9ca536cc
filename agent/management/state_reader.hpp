#pragma once
// Members of JSON objects, read with bounds: what device_state.cpp reads its file by.

#include <cstdint>
#include <functional>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <type_traits>

#include "engine/base/time.hpp"
#include "engine/image/digest.hpp"

namespace sluice::agent::management {

// Reads members of one object; what is missing stays as it is. The first thing that is wrong ends
// all reading, and is told.
class Reader {
public:
    // Both outlive it.
    Reader(const nlohmann::json& object, std::string& wrong);

    void read(const char* key, std::string& into) const;
    void read(const char* key, bool& into) const;
    template <class Unsigned>
    requires std::is_unsigned_v<Unsigned>
    void read(const char* key, Unsigned& into) const {
        const auto number = number_of(key);
        if (!number) return;
        if (*number > std::numeric_limits<Unsigned>::max()) return fail(key);
        into = static_cast<Unsigned>(*number);
    }
    template <class Enum>
    void read_enum(const char* key, Enum& into, Enum last) const {
        std::uint8_t number = static_cast<std::uint8_t>(into);
        read(key, number);
        if (number > static_cast<std::uint8_t>(last)) return fail(key);
        into = static_cast<Enum>(number);
    }
    void read(const char* key, UtcTime& into) const;
    void read(const char* key, image::Digest& into) const;
    // `take` is called with a Reader for each element.
    void read_list(const char* key, std::size_t most,
                   const std::function<void(const Reader&)>& take) const;
    // Null: it is not there.
    const nlohmann::json* object(const char* key) const;
    void fail(const char* what) const;

private:
    using Kind = bool (*)(const nlohmann::json&);
    const nlohmann::json* find(const char* key, Kind is_right) const;
    std::optional<std::uint64_t> number_of(const char* key) const;

    const nlohmann::json& object_;
    std::string& wrong_;
};

}  // namespace sluice::agent::management
