#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "engine/transfer/policy.hpp"
#include "sim/world/host.hpp"
#include "sim/world/oracle.hpp"
#include "sim/world/world.hpp"

namespace sluice::sim::world {
namespace {

constexpr std::size_t kMostOpen = 8;  // what a session of 512 bytes has room for

class RequestOracle final : public Oracle {
public:
    explicit RequestOracle(const World& world) : hosts_(world.host_count()) {}

    void on_boot(const Host& host, Instant) override { hosts_[host.index().value] = {}; }

    void on_event(const Host& host, const transfer::Event& event, Instant) override {
        auto& known = hosts_[host.index().value];
        if (const auto* e = std::get_if<transfer::PieceArrived>(&event)) {
            const auto it = known.open.find(e->id);
            if (it != known.open.end() && e->piece.value + 1 == it->second.end()) {
                known.open.erase(it);
            }
        } else if (const auto* failed = std::get_if<transfer::RequestFailed>(&event)) {
            known.open.erase(failed->id);
        } else if (const auto* proved = std::get_if<transfer::LayerProved>(&event)) {
            known.open.erase(proved->id);
        } else if (const auto* refused = std::get_if<transfer::LayerRefused>(&event)) {
            known.open.erase(refused->id);
        }
    }
    void on_action(const Host& host, const transfer::Action& action, Instant now) override {
        auto& known = hosts_[host.index().value];
        if (const auto* run = std::get_if<transfer::RequestRun>(&action)) {
            check_run(host, known, *run, now);
            open(host, known, run->id, run->run, now);
        } else if (const auto* layer = std::get_if<transfer::RequestLayer>(&action)) {
            open(host, known, layer->id, PieceRun{}, now);
        } else if (const auto* cancel = std::get_if<transfer::CancelRequest>(&action)) {
            if (known.open.erase(cancel->id) == 0) {
                accuse(host, now, "cancels a request that is not open");
            }
        } else if (const auto* verify = std::get_if<transfer::VerifyPiece>(&action)) {
            if (!known.verified.insert({verify->id, verify->piece}).second) {
                accuse(host, now, "verifies one arrival twice");
            }
        }
    }
    using Oracle::on_action;
    using Oracle::on_event;

private:
    struct Known {
        RequestId last;
        std::map<RequestId, PieceRun> open;
        std::set<std::pair<RequestId, PieceIndex>> verified;
    };

    void open(const Host& host, Known& known, RequestId id, PieceRun run, Instant now) {
        if (!known.open.empty() || known.last.value > 0) {
            if (id <= known.last) accuse(host, now, "uses a request id again");
        }
        known.last = id;
        known.open[id] = run;
        if (known.open.size() > kMostOpen) accuse(host, now, "has too many requests open");
    }
    void check_run(const Host& host, const Known& known, const transfer::RequestRun& asked,
                   Instant now) {
        const auto& have = host.have();
        if (asked.run.count == 0 || asked.run.end() > have.size()) {
            return accuse(host, now, "asks for pieces that the image does not have");
        }
        const auto missing = have.size() - have.count();
        const bool is_tail = missing <= transfer::tail_length(have.size());
        for (auto p = asked.run.first; p.value < asked.run.end(); ++p.value) {
            if (have.contains(p) && !is_tail) {
                accuse(host, now, "asks for piece " + std::to_string(p.value) + ", which it has");
            }
            const auto others = std::ranges::count_if(known.open, [p](const auto& entry) {
                return entry.second.first <= p && p.value < entry.second.end();
            });
            if (others > (is_tail ? 1 : 0)) {
                accuse(host, now, "asks once more for piece " + std::to_string(p.value));
            }
        }
    }

    std::vector<Known> hosts_;
};

}  // namespace

std::unique_ptr<Oracle> make_request_oracle(const World& world) {
    return std::make_unique<RequestOracle>(world);
}

}  // namespace sluice::sim::world
