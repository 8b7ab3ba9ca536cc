// Request targets and usernames of the peer protocol.

#include <cstdint>
#include <cstdlib>

#include "engine/http/target.hpp"
#include "engine/serving/credentials.hpp"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    using namespace sluice;
    if (const auto target = http::parse_peer_target(text))
        require(http::parse_peer_target(http::format_peer_target(*target)) == target);
    if (const auto name = serving::parse_username(text)) {
        const auto minted = serving::mint({1}, {}, *name);
        require(minted.has_value() && minted.value().username == text);
        require(serving::check({1}, {}, text, minted.value().password, UtcTime{0}).has_value());
        require(!serving::check({2}, {}, text, minted.value().password, UtcTime{0}).has_value());
    }
    return 0;
}
