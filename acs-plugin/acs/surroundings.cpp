#include "acs-plugin/acs/surroundings.hpp"

#include <chrono>

#include "engine/net/log.hpp"
#include "engine/net/random.hpp"

namespace sluice::acs {

Instant steady_now() {
    return {std::chrono::steady_clock::now().time_since_epoch()};
}

service::WallTime wall_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

void fill_random(std::span<std::uint8_t> out) {
    net::fill_random(out).value();
}

std::array<std::uint8_t, 32> random_key() {
    return net::random_block<std::array<std::uint8_t, 32>>().value();
}

std::function<void(const std::string&)> log_of(std::string_view part) {
    return [part = std::string(part)](const std::string& line) {
        net::log_warning(part + ": " + line);
    };
}

}  // namespace sluice::acs
