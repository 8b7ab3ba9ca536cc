#pragma once
// A TCP packet as far as the splitter looks at it.

#include <compare>
#include <cstdint>

#include "engine/inventory/address.hpp"
#include "engine/split/rows.hpp"

namespace sluice::split {

// The ends of a packet, and what names its connection in one direction.
struct Flow {
    IpAddress source;
    std::uint16_t source_port = 0;
    IpAddress destination;
    std::uint16_t destination_port = 0;
    friend auto operator<=>(const Flow&, const Flow&) = default;

    Flow reversed() const { return {destination, destination_port, source, source_port}; }
};

struct Flags {
    bool syn = false;
    bool ack = false;
    bool fin = false;
    bool rst = false;
};

struct Packet {
    Flow flow;
    Flags flags;
};

constexpr bool has_sign(Flags f, Sign sign) {
    switch (sign) {
        case Sign::syn:
            return f.syn && !f.ack && !f.fin && !f.rst;
        case Sign::syn_ack:
            return f.syn && f.ack && !f.fin && !f.rst;
        case Sign::fin:
            return f.fin && !f.rst;
        case Sign::rst:
            return f.rst;
        case Sign::end:
            return f.fin || f.rst;
        case Sign::going:
            return !f.fin && !f.rst;
    }
    return false;
}

}  // namespace sluice::split
