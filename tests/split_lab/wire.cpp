#include "tests/split_lab/wire.hpp"

#include <algorithm>

namespace sluice::split::lab {
namespace {

constexpr std::size_t kEthernet = 14;
constexpr std::size_t kTcp = 20;
constexpr std::uint8_t kTcpProtocol = 6;

class Builder {
public:
    void u8(unsigned value) { bytes.push_back(static_cast<std::uint8_t>(value)); }
    void u16(unsigned value) { u8(value >> 8 & 255), u8(value & 255); }
    void u32(std::uint32_t value) { u16(value >> 16), u16(value & 65'535); }
    template <class Bytes>
    void raw(const Bytes& more) {
        bytes.insert(bytes.end(), more.begin(), more.end());
    }
    void address(const IpAddress& address) {
        const auto skip = address.is_v4() ? 12 : 0;
        bytes.insert(bytes.end(), address.bytes.begin() + skip, address.bytes.end());
    }
    void set_u16(std::size_t at, unsigned value) {
        bytes[at] = static_cast<std::uint8_t>(value >> 8);
        bytes[at + 1] = static_cast<std::uint8_t>(value);
    }
    std::vector<std::uint8_t> bytes;
};

// RFC 1071.
std::uint32_t sum(std::span<const std::uint8_t> bytes) {
    std::uint32_t out = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        out += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
    return out;
}
unsigned folded(std::uint32_t sum) {
    while (sum >> 16 != 0) sum = (sum & 65'535) + (sum >> 16);
    return ~sum & 65'535;
}

unsigned flag_bits(Flags flags) {
    return (flags.fin ? 1u : 0u) | (flags.syn ? 2u : 0u) | (flags.rst ? 4u : 0u) |
           (flags.ack ? 16u : 0u);
}

IpAddress address_at(std::span<const std::uint8_t> bytes, bool is_v4) {
    IpAddress out;
    if (is_v4) out.bytes[10] = out.bytes[11] = 0xff;
    std::copy_n(bytes.begin(), is_v4 ? 4 : 16, out.bytes.begin() + (is_v4 ? 12 : 0));
    return out;
}

unsigned u16_at(std::span<const std::uint8_t> bytes, std::size_t at) {
    return unsigned{bytes[at]} << 8 | bytes[at + 1];
}

}  // namespace

std::vector<std::uint8_t> frame_of(const Segment& segment, const Mac& from, const Mac& to) {
    const auto& flow = segment.packet.flow;
    const bool is_v4 = flow.source.is_v4();
    const auto tcp_bytes = static_cast<unsigned>(kTcp + segment.payload_bytes);
    Builder out;
    out.raw(to);
    out.raw(from);
    out.u16(is_v4 ? 0x0800 : 0x86dd);
    if (is_v4) {
        out.u16(0x4500);
        out.u16(20 + tcp_bytes);
        out.u32(0x00004000);  // do not fragment
        out.u16(64u << 8 | kTcpProtocol);
        out.u16(0);
    } else {
        out.u32(0x60000000);
        out.u16(tcp_bytes);
        out.u16(unsigned{kTcpProtocol} << 8 | 64);
    }
    out.address(flow.source);
    out.address(flow.destination);
    if (is_v4)
        out.set_u16(kEthernet + 10, folded(sum(std::span(out.bytes).subspan(kEthernet, 20))));
    const auto ip_bytes = is_v4 ? 20u : 40u;
    const auto tcp = kEthernet + ip_bytes;
    out.u16(flow.source_port);
    out.u16(flow.destination_port);
    out.u32(segment.seq);
    out.u32(segment.packet.flags.ack ? segment.ack : 0);
    out.u16(5u << 12 | flag_bits(segment.packet.flags));
    out.u16(65'535);
    out.u16(0);
    out.u16(segment.id);
    out.bytes.resize(tcp + tcp_bytes, 'x');
    const auto ends = is_v4 ? 8u : 32u;
    const auto pseudo =
        sum(std::span(out.bytes).subspan(tcp - ends, ends)) + kTcpProtocol + tcp_bytes;
    out.set_u16(tcp + 16, folded(pseudo + sum(std::span(out.bytes).subspan(tcp))));
    return std::move(out.bytes);
}

std::optional<Segment> segment_of(std::span<const std::uint8_t> frame) {
    if (frame.size() < kEthernet + 20 + kTcp) return std::nullopt;
    const auto kind = u16_at(frame, 12);
    const bool is_v4 = kind == 0x0800;
    if (!is_v4 && kind != 0x86dd) return std::nullopt;
    const auto ip = frame.subspan(kEthernet);
    if (!is_v4 && ip.size() < 40 + kTcp) return std::nullopt;
    if (ip[is_v4 ? 9 : 6] != kTcpProtocol) return std::nullopt;
    const auto tcp = ip.subspan(is_v4 ? 20 : 40);
    Segment out;
    out.packet.flow.source = address_at(ip.subspan(is_v4 ? 12 : 8), is_v4);
    out.packet.flow.destination = address_at(ip.subspan(is_v4 ? 16 : 24), is_v4);
    out.packet.flow.source_port = static_cast<std::uint16_t>(u16_at(tcp, 0));
    out.packet.flow.destination_port = static_cast<std::uint16_t>(u16_at(tcp, 2));
    const auto bits = tcp[13];
    out.packet.flags = {(bits & 2) != 0, (bits & 16) != 0, (bits & 1) != 0, (bits & 4) != 0};
    out.id = static_cast<std::uint16_t>(u16_at(tcp, 18));
    return out;
}

}  // namespace sluice::split::lab
