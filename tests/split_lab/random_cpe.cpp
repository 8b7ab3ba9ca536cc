#include "tests/split_lab/random_cpe.hpp"

#include <algorithm>

namespace sluice::split::lab {
namespace {

constexpr Flags kSyn{true, false, false, false};
constexpr Flags kSynAck{true, true, false, false};
constexpr Flags kAck{false, true, false, false};
constexpr Flags kFin{false, true, true, false};
constexpr Flags kRst{false, false, false, true};
constexpr Flags kRstAck{false, true, false, true};
constexpr std::uint16_t kRequestPort = 7547;  // of CPEs
constexpr std::uint16_t kDataBytes = 10;

}  // namespace

std::string text_of(const Packet& packet) {
    const auto& [flow, flags] = packet;
    std::string out = inventory::format_address(flow.source) + ":" +
                      std::to_string(flow.source_port) + " > " +
                      inventory::format_address(flow.destination) + ":" +
                      std::to_string(flow.destination_port) + " ";
    for (const auto& [is_set, letter] : {std::pair{flags.syn, 'S'}, std::pair{flags.ack, 'A'},
                                         std::pair{flags.fin, 'F'}, std::pair{flags.rst, 'R'}})
        if (is_set) out += letter;
    return out;
}

RandomCpe::RandomCpe(IpAddress own, const Settings& settings, Splitter& model, std::uint64_t seed)
    : own_(own), settings_(settings), model_(model), rng_(seed) {}

std::optional<Sent> RandomCpe::next(Instant now, std::uint16_t id) {
    // An activation lives for two slots here: most of what is worth seeing follows at once.
    if (model_.collector_of(own_, now) && chance(35)) return begin_report(now, id);
    const auto what = rng_.below(100);
    if (what < 20) return std::nullopt;
    if (what < 35) return begin_call(now, id);
    if (what < 47) return begin_report(now, id);
    if (what < 52) return reuse(now, id);
    if (what < 54) return knock_elsewhere(now, id);
    return go_on(now, id);
}

std::optional<Sent> RandomCpe::begin_call(Instant now, std::uint16_t id) {
    // Each server has ports of its own: two that share one would make the kernel choose another.
    const auto server = rng_.below(5);
    const auto port = static_cast<std::uint16_t>(20'000 + 5'000 * server + fresh_port_++);
    const auto from =
        server == 4 ? of_family(settings_.itms, 0) : of_family(settings_.collectors, server % 2);
    return begin({from, port, own_, kRequestPort}, now, id);
}

std::optional<Sent> RandomCpe::begin_report(Instant now, std::uint16_t id) {
    const auto port = static_cast<std::uint16_t>(50'000 + fresh_port_++);
    return begin({own_, port, of_family(settings_.itms, 0), settings_.report_ports[0]}, now, id);
}

std::optional<Sent> RandomCpe::begin(Flow flow, Instant now, std::uint16_t id) {
    Connection c;
    c.sent_as = flow;
    c.opener.next = static_cast<std::uint32_t>(rng_.below(1u << 30));
    c.responder.next = static_cast<std::uint32_t>(rng_.below(1u << 30));
    auto sent = send(c, End::opener, kSyn, 0, now, id);
    c.seen_as = sent.expected ? sent.expected->flow : flow;
    connections_.push_back(c);
    return sent;
}

// The same ports once more, whatever became of the connection that had them.
std::optional<Sent> RandomCpe::reuse(Instant now, std::uint16_t id) {
    if (connections_.empty()) return std::nullopt;
    auto& c = connections_[rng_.below(connections_.size())];
    const bool is_above_another = !c.is_reopenable;
    Connection fresh;
    fresh.sent_as = c.sent_as;
    fresh.opener.next = c.opener.next + (1u << 24);
    fresh.responder.next = c.responder.next + (1u << 24);
    fresh.is_above_another = is_above_another;
    auto sent = send(fresh, End::opener, kSyn, 0, now, id);
    fresh.seen_as = sent.expected ? sent.expected->flow : fresh.sent_as;
    c = fresh;
    return sent;
}

std::optional<Sent> RandomCpe::go_on(Instant now, std::uint16_t id) {
    // Mostly the latest two: older ones are the ends that never come.
    const auto recent = std::min<std::size_t>(connections_.size(), chance(80) ? 2 : 6);
    if (recent == 0) return std::nullopt;
    auto& c = connections_[connections_.size() - 1 - rng_.below(recent)];
    if (c.is_over) return std::nullopt;
    return c.has_answer && c.is_open ? talk(c, now, id) : answer(c, now, id);
}

// Until both ends have said hello.
std::optional<Sent> RandomCpe::answer(Connection& c, Instant now, std::uint16_t id) {
    const auto what = rng_.below(100);
    if (!c.has_answer) {
        if (what < 15) {  // the SYN again
            --c.opener.next;
            return send(c, End::opener, kSyn, 0, now, id);
        }
        if (what < 25 && !c.is_above_another) {  // refused
            c.is_over = true;
            const auto seen = c.seen_as.reversed();
            return send(seen, kRstAck, 0, c.opener.next, 0, now, id);
        }
        if (what < 30 && !c.is_above_another) {  // thought better of it
            c.is_over = c.is_reopenable = true;
            return send(c, End::opener, kRst, 0, now, id);
        }
        c.has_answer = true;
        return send(c, End::responder, kSynAck, 0, now, id);
    }
    if (what < 10) {  // the SYN-ACK again
        --c.responder.next;
        return send(c, End::responder, kSynAck, 0, now, id);
    }
    if (what < 20 && may_reset(c, End::opener)) {
        c.is_over = c.is_reopenable = true;
        return send(c, End::opener, kRst, 0, now, id);
    }
    c.is_open = true;
    return send(c, End::opener, kAck, 0, now, id);
}

std::optional<Sent> RandomCpe::talk(Connection& c, Instant now, std::uint16_t id) {
    const auto end = chance(50) ? End::opener : End::responder;
    auto& own = end == End::opener ? c.opener : c.responder;
    const auto& other = end == End::opener ? c.responder : c.opener;
    const auto what = rng_.below(100);
    if (what < 12 && may_reset(c, end)) {
        c.is_over = true;
        c.is_reopenable = end == End::opener;
        return send(c, end, kRst, 0, now, id);
    }
    if (own.has_finished) {
        if (what < 30) {  // the FIN again
            --own.next;
            return send(c, end, kFin, 0, now, id);
        }
        if (other.has_finished) c.is_over = c.is_reopenable = true;
        return send(c, end, kAck, 0, now, id);
    }
    if (what < 45 || other.has_finished) {
        own.has_finished = true;
        return send(c, end, kFin, 0, now, id);
    }
    return send(c, end, kAck, chance(60) ? kDataBytes : std::uint16_t{0}, now, id);
}

// Where no CPE may go, and an end without a connection.
std::optional<Sent> RandomCpe::knock_elsewhere(Instant now, std::uint16_t id) {
    const auto port = static_cast<std::uint16_t>(45'000 + fresh_port_++);
    const auto itms = of_family(settings_.itms, 0);
    switch (rng_.below(3)) {
        case 0:
            return send({own_, port, itms, 22}, kSyn, 1, 0, 0, now, id);
        case 1:
            return send({own_, port, of_family(settings_.collectors, 0), 7547}, kSyn, 1, 0, 0, now,
                        id);
        default:
            return send({own_, port, itms, 7547}, kFin, 1, 1, 0, now, id);
    }
}

// Connection tracking takes a RST only where its number is the very one awaited.
bool RandomCpe::may_reset(const Connection& c, End end) const {
    const auto& own = end == End::opener ? c.opener : c.responder;
    const auto& other = end == End::opener ? c.responder : c.opener;
    return own.next == other.acked;
}

Sent RandomCpe::send(Connection& c, End end, Flags flags, std::uint16_t payload, Instant now,
                     std::uint16_t id) {
    auto& own = end == End::opener ? c.opener : c.responder;
    const auto& other = end == End::opener ? c.responder : c.opener;
    const auto flow = end == End::opener ? c.sent_as : c.seen_as.reversed();
    auto sent = send(flow, flags, own.next, other.next, payload, now, id);
    own.next += payload + (flags.syn || flags.fin ? 1u : 0u);
    if (flags.ack) own.acked = other.next;
    return sent;
}

Sent RandomCpe::send(const Flow& flow, Flags flags, std::uint32_t seq, std::uint32_t ack,
                     std::uint16_t payload, Instant now, std::uint16_t id) {
    Sent out;
    out.from = side_of(flow.source);
    out.segment = {{flow, flags}, seq, ack, payload, id};
    out.expected = model_.forward(out.segment.packet, now);
    story_ += "  " + std::to_string(now.since_start / Duration(1ms)) + " ms  " +
              text_of(out.segment.packet) + "  =>  " +
              (out.expected ? text_of(*out.expected) : "dropped") + "\n";
    return out;
}

IpAddress RandomCpe::of_family(const std::vector<IpAddress>& addresses, std::size_t index) const {
    for (const auto& address : addresses)
        if (address.is_v4() == own_.is_v4() && index-- == 0) return address;
    return addresses.front();
}

Side RandomCpe::side_of(const IpAddress& address) const {
    if (address == own_) return Side::cpe;
    const bool is_itms = std::ranges::find(settings_.itms, address) != settings_.itms.end();
    return is_itms ? Side::itms : Side::collector;
}

}  // namespace sluice::split::lab
