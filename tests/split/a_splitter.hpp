#pragma once
// A splitter and the hosts around it, for tests that read as what happens on the wire.

#include <string>

#include "engine/split/splitter.hpp"

namespace sluice::split {

inline IpAddress ip(const char* text) {
    return *inventory::parse_address(text);
}

inline Settings a_lab() {
    Settings out;
    out.cpe_addresses = {ip("10.1.0.1"), ip("fd01::1")};
    out.itms = {ip("10.2.0.10"), ip("fd02::10")};
    out.collectors = {ip("10.3.0.10"), ip("10.3.0.11"), ip("fd03::10")};
    return out;
}

constexpr Flags kSyn{true, false, false, false};
constexpr Flags kSynAck{true, true, false, false};
constexpr Flags kAck{false, true, false, false};
constexpr Flags kFin{false, true, true, false};
constexpr Flags kRst{false, false, false, true};

class Lab {
public:
    explicit Lab(const Settings& settings = a_lab()) : splitter(settings) {}

    // Where a packet comes out, as "source:port > destination:port"; "dropped".
    std::string send(const char* from, std::uint16_t port, const char* to, std::uint16_t to_port,
                     Flags flags) {
        const auto out = splitter.forward({{ip(from), port, ip(to), to_port}, flags}, now);
        if (!out) return "dropped";
        const auto& f = out->flow;
        return inventory::format_address(f.source) + ":" + std::to_string(f.source_port) + " > " +
               inventory::format_address(f.destination) + ":" + std::to_string(f.destination_port);
    }

    // A connection request up to the CPE's answer.
    void call(const char* cpe, const char* collector = "10.3.0.10", std::uint16_t port = 4000) {
        send(collector, port, cpe, 7547, kSyn);
        answer_call(cpe, port);
    }
    void answer_call(const char* cpe, std::uint16_t port = 4000) {
        send(cpe, 7547, ip(cpe).is_v4() ? "10.1.0.1" : "fd01::1", port, kSynAck);
    }
    void end_call(const char* cpe, const char* collector = "10.3.0.10", std::uint16_t port = 4000) {
        send(collector, port, cpe, 7547, kFin);
    }
    // Who gets the CPE's SYN to the ITMS.
    std::string report(const char* cpe, std::uint16_t port) {
        const auto* itms = ip(cpe).is_v4() ? "10.2.0.10" : "fd02::10";
        const auto out = splitter.forward({{ip(cpe), port, ip(itms), 7547}, kSyn}, now);
        return out ? inventory::format_address(out->flow.destination) : "dropped";
    }
    void answer(const char* cpe, std::uint16_t port, const char* collector = "10.3.0.10") {
        send(collector, 7547, cpe, port, kSynAck);
    }
    void pass(Duration time) { now = now + time; }

    Splitter splitter;
    Instant now;
};

}  // namespace sluice::split
