#pragma once
// What a run of a world came to, counted by watching it: when each device was done, whose bytes it
// took, whom it left and banned.

#include <cstdint>
#include <string>
#include <vector>

#include "sim/world/observer.hpp"

namespace sluice::sim::world {

class World;

struct HostOutcome {
    bool is_finished = false;
    Instant finished_at{};                       // the last piece verified
    std::vector<std::uint64_t> bytes_by_source;  // HTTP body bytes, in the Assignment's order
    std::vector<std::uint32_t> pieces_by_source;
    struct Ban {
        SourceIndex source;
        PieceIndex piece;
        Instant at;
    };
    std::vector<Ban> bans;
    struct Leave {
        SourceIndex source;
        transfer::Parting why{};
        Instant at;
        Instant next_request = Instant::never();  // the first one of another source
    };
    std::vector<Leave> leaves;
    std::uint32_t requests = 0;
    std::uint32_t repeated_pieces = 0;  // arrived whole although already there
};

class Outcome final : public Observer {
public:
    explicit Outcome(std::size_t hosts) : hosts_(hosts) {}

    const std::vector<HostOutcome>& hosts() const { return hosts_; }
    // When the last device was done; never when one is not.
    Instant last_finish() const;
    // Fills bytes_by_source from the wire's counts; call when the run is over.
    void collect(const World& world);
    std::uint64_t origin_bytes() const { return origin_bytes_; }
    // The longest time from `fault` to the next request of another source, over hosts that left one
    // after it; zero when nobody did.
    Duration longest_to_new_source(Instant fault) const;

    void on_boot(const Host& host, Instant now) override;
    void on_event(const Host& host, const transfer::Event& event, Instant now) override;
    void on_action(const Host& host, const transfer::Action& action, Instant now) override;
    using Observer::on_action;
    using Observer::on_event;

private:
    static void note_request(HostOutcome& host, Instant now, SourceIndex source);

    std::vector<HostOutcome> hosts_;
    std::vector<std::vector<SourceIndex>> source_of_;  // by host, by request id
    std::uint64_t origin_bytes_ = 0;
};

}  // namespace sluice::sim::world
