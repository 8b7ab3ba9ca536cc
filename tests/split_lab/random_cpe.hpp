#pragma once
// One CPE and everybody it deals with, making up packets at random: connection requests of two
// collectors and of the ITMS, reports, and all that goes wrong with them: packets that come again,
// resets in place of FINs, ends that never come, ports used again, silence until records expire.
// Sequence numbers are those a real pair of hosts would use: connection tracking looks at them.

#include <optional>
#include <string>
#include <vector>

#include "engine/base/rng.hpp"
#include "engine/split/splitter.hpp"
#include "tests/split_lab/bench.hpp"

namespace sluice::split::lab {

struct Sent {
    Side from;
    Segment segment;
    std::optional<Packet> expected;  // as the model lets it out; nothing: dropped
};

class RandomCpe {
public:
    RandomCpe(IpAddress own, const Settings& settings, Splitter& model, std::uint64_t seed);

    // Its next packet, if it does not keep still; given to the model at once.
    std::optional<Sent> next(Instant now, std::uint16_t id);
    const IpAddress& address() const { return own_; }
    // All it did, for a person.
    const std::string& story() const { return story_; }

private:
    enum class End : std::uint8_t { opener, responder };
    struct Host {
        std::uint32_t next = 0;   // sequence number of what it sends next
        std::uint32_t acked = 0;  // of the other's, the last that this one acknowledged
        bool has_finished = false;
    };
    struct Connection {
        Flow sent_as;  // by the opener
        Flow seen_as;  // by the responder
        Host opener, responder;
        bool has_answer = false;
        bool is_open = false;
        bool is_over = false;
        bool is_reopenable = false;     // over so that a SYN begins a new one
        bool is_above_another = false;  // its ports are those of one that is not over
    };

    std::optional<Sent> begin_call(Instant now, std::uint16_t id);
    std::optional<Sent> begin_report(Instant now, std::uint16_t id);
    std::optional<Sent> begin(Flow flow, Instant now, std::uint16_t id);
    std::optional<Sent> reuse(Instant now, std::uint16_t id);
    std::optional<Sent> go_on(Instant now, std::uint16_t id);
    std::optional<Sent> answer(Connection& c, Instant now, std::uint16_t id);
    std::optional<Sent> talk(Connection& c, Instant now, std::uint16_t id);
    std::optional<Sent> knock_elsewhere(Instant now, std::uint16_t id);

    Sent send(Connection& c, End end, Flags flags, std::uint16_t payload, Instant now,
              std::uint16_t id);
    Sent send(const Flow& flow, Flags flags, std::uint32_t seq, std::uint32_t ack,
              std::uint16_t payload, Instant now, std::uint16_t id);
    bool may_reset(const Connection& c, End end) const;
    bool chance(std::uint64_t percent) { return rng_.below(100) < percent; }
    IpAddress of_family(const std::vector<IpAddress>& addresses, std::size_t index) const;
    Side side_of(const IpAddress& address) const;

    IpAddress own_;
    const Settings& settings_;
    Splitter& model_;
    Rng rng_;
    std::uint16_t fresh_port_ = 0;
    std::vector<Connection> connections_;
    std::string story_;
};

std::string text_of(const Packet& packet);

}  // namespace sluice::split::lab
