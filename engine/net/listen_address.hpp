#pragma once
// Where a server listens, as a person writes it: "192.168.1.1:7547", "[fd00::1]:7547" or
// "br-lan:7547" (every address of that interface). There is no way to leave the address out.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace sluice::net {

struct ListenAddress {
    std::string address;     // literal, IPv6 without brackets, with %zone where it is link-local
    std::uint16_t port = 0;  // 0 = any free one

    std::string text() const;
    friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

Result<std::vector<ListenAddress>> parse_listen_address(std::string_view text);

}  // namespace sluice::net
