#pragma once
// A site in virtual time: origin, links, hosts and a schedule of faults. run() advances it event by
// event; the same spec, faults and seed give the same run.

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "sim/world/event_queue.hpp"
#include "sim/world/fault.hpp"
#include "sim/world/flow_network.hpp"
#include "sim/world/host.hpp"
#include "sim/world/observer.hpp"
#include "sim/world/origin.hpp"
#include "sim/world/site.hpp"
#include "sim/world/wire.hpp"

namespace sluice::sim::world {

enum class Ending : std::uint8_t {
    all_done,  // every host that is up has finished or given up, and no fault is to come
    time_up,
    too_many_events,  // a storm: machines keep each other busy
    stopped,          // because the caller said so
};

class World {
public:
    // Sources whose URL is no host's and not the origin's are a broken promise of the caller.
    World(const SiteSpec& site, const std::vector<Fault>& faults);
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    void add(Observer& observer) { observers_.add(observer); }
    // Nobody waits for this host to finish.
    void excuse(HostIndex host) { excused_[host.value] = true; }
    // Beside the schedule, for faults at a point of progress; not before now().
    void add_fault(const Fault& fault);
    // `stop`, when given, is asked before every event; a stopped run may be continued. `until` and
    // `max_events` count from the beginning.
    Ending run(Instant until, std::uint64_t max_events, const std::function<bool()>& stop = {});

    Instant now() const { return now_; }
    std::uint64_t events() const { return events_; }
    const SiteSpec& site() const { return site_; }
    std::size_t host_count() const { return hosts_.size(); }
    const Host& host(HostIndex h) const { return *hosts_[h.value]; }
    const Wire& wire() const { return wire_; }
    const FlowNetwork& network() const { return network_; }
    EndpointId origin() const { return origin_id_; }
    // The last event that was handled, for the trace.
    const Event& last_event() const { return last_; }

private:
    void build();
    void handle(const Event& event);
    void apply(const Fault& fault);
    void apply_to_origin(const Fault& fault);
    void apply_to_host(const Fault& fault, Host& host);
    bool is_done();
    bool is_settled(const Host& host) const;
    double payload_rate(double bps) const;
    PieceIndex piece_at(double share) const;

    SiteSpec site_;
    std::vector<Fault> faults_;
    std::size_t applied_faults_ = 0;
    std::uint32_t boots_due_ = 0;
    std::size_t unsettled_ = 0;  // a host that was not done when last looked at
    Instant now_{};
    Event last_{};
    std::uint64_t events_ = 0;
    EventQueue queue_;
    FlowNetwork network_;
    Wire wire_;
    Observers observers_;
    LinkIndex origin_up_;
    std::vector<LinkIndex> up_, down_;
    std::unique_ptr<Origin> origin_;
    EndpointId origin_id_;
    std::vector<std::unique_ptr<Host>> hosts_;
    std::vector<bool> excused_;
};

}  // namespace sluice::sim::world
