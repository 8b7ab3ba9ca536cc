#include <optional>
#include <set>
#include <vector>

#include "sim/world/host.hpp"
#include "sim/world/oracle.hpp"
#include "sim/world/world.hpp"

namespace sluice::sim::world {
namespace {

class BanOracle final : public Oracle {
public:
    explicit BanOracle(const World& world) : world_(world), hosts_(world.host_count()) {}

    void on_fault(const Fault& fault, Instant) override {
        if (fault.kind != FaultKind::serve_wrong && fault.kind != FaultKind::lie_from) return;
        liars_.insert(fault.host ? world_.host(*fault.host).endpoint() : world_.origin());
    }
    void on_boot(const Host& host, Instant) override { hosts_[host.index().value] = {}; }

    void on_event(const Host& host, const transfer::Event& event, Instant now) override {
        auto& known = hosts_[host.index().value];
        if (known.owed) {
            accuse(host, now,
                   "did not ban source " + std::to_string(known.owed->value) +
                       " when its piece was proven wrong");
        }
        known.owed.reset();
        const auto* refused = std::get_if<transfer::PieceRefused>(&event);
        if (refused == nullptr || refused->id.value >= known.source_of.size()) return;
        const auto source = known.source_of[refused->id.value];
        if (!host.is_origin(source) && !known.banned.contains(source)) known.owed = source;
    }
    void on_action(const Host& host, const transfer::Action& action, Instant now) override {
        if (const auto* run = std::get_if<transfer::RequestRun>(&action)) {
            note_request(host, run->source, run->id, now);
        } else if (const auto* layer = std::get_if<transfer::RequestLayer>(&action)) {
            note_request(host, layer->source, layer->id, now);
        } else if (const auto* have = std::get_if<transfer::AskHave>(&action)) {
            note_question(host, have->source, now);
        } else if (const auto* ban = std::get_if<transfer::BanSource>(&action)) {
            note_ban(host, ban->source, now);
        }
    }
    using Oracle::on_action;
    using Oracle::on_event;

private:
    struct Known {
        std::set<SourceIndex> banned;
        std::vector<SourceIndex> source_of;  // by request id
        std::optional<SourceIndex> owed;     // a ban that has to follow before the next event
    };

    void note_question(const Host& host, SourceIndex source, Instant now) {
        if (!hosts_[host.index().value].banned.contains(source)) return;
        accuse(host, now, "asks source " + std::to_string(source.value) + ", which it banned");
    }
    void note_request(const Host& host, SourceIndex source, RequestId id, Instant now) {
        note_question(host, source, now);
        auto& known = hosts_[host.index().value];
        if (known.source_of.size() <= id.value) known.source_of.resize(id.value + 1);
        known.source_of[id.value] = source;
    }
    void note_ban(const Host& host, SourceIndex source, Instant now) {
        auto& known = hosts_[host.index().value];
        known.banned.insert(source);
        if (known.owed == source) known.owed.reset();
        if (!liars_.contains(host.source(source))) {
            accuse(host, now, "bans source " + std::to_string(source.value) + ", which never lied");
        }
    }

    const World& world_;
    std::vector<Known> hosts_;
    std::set<EndpointId> liars_;
};

}  // namespace

std::unique_ptr<Oracle> make_ban_oracle(const World& world) {
    return std::make_unique<BanOracle>(world);
}

}  // namespace sluice::sim::world
