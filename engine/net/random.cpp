#include "engine/net/random.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <sys/random.h>

namespace sluice::net {

Result<void> fill_random(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        const auto got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return Error{std::string("no random bytes: getrandom: ") + strerror(errno)};
        out = out.subspan(static_cast<std::size_t>(got));
    }
    return success();
}

}  // namespace sluice::net
