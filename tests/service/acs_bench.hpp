#pragma once
// A planner with the store it needs and devices that behave as CPEs do, in one process and in
// simulated time. Rows are kept before anything leaves, as the planner's contract wants it; the
// process can die between any two calls, and comes back with the rows alone.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "acs-plugin/service/planner.hpp"
#include "engine/base/rng.hpp"
#include "engine/planning/plan.hpp"

namespace sluice::service::bench {

inline constexpr std::uint64_t kImageLength = 8 << 20;
inline constexpr WallTime kStart{1'800'000'000'000};

inline WallTime operator+(WallTime t, std::chrono::milliseconds d) {
    return {t.unix_ms + d.count()};
}

// A published image "fw-<version>" for every device that a_device() makes.
ImageRow an_image(const std::string& version, bool is_vendor_verified = true);
ImageRow a_configuration(const std::string& version);

inline WaveSpec so_many(std::uint32_t count, std::uint32_t success = 100) {
    WaveSpec out;
    out.count = count;
    out.success_percent = success;
    return out;
}
inline WaveSpec so_many_percent(std::uint32_t percent, std::uint32_t success = 100) {
    WaveSpec out;
    out.percent = percent;
    out.success_percent = success;
    return out;
}

struct Transfer {
    DownloadOrder order;
    WallTime started;
    bool is_new = true;  // not begun
};

// One device. Public: tests turn its screws.
struct Cpe {
    inventory::DeviceReport report;
    std::string site;
    std::string connection_url;
    std::string config_version;
    std::string state;  // X_SLUICE_PeerDownload.State
    std::optional<bool> is_healthy;
    bool is_boot = false;

    std::vector<DownloadOrder> orders;  // every one that came in, again ones too
    std::vector<CancelOrder> cancels;
    std::optional<Transfer> transfer;  // taken, and not over
    struct Complete {
        std::string key;
        std::uint32_t fault = 0;
        std::string why;
    };
    std::deque<Complete> pending;  // TransferCompletes to deliver
    std::string last_key;          // finished and not delivered
    bool has_image = false;
    int fetched = 0;    // whole images that came in
    int installed = 0;  // times it flashed
    // What it answers to an order; default: takes it (Status 1).
    std::function<OrderAnswer(const DownloadOrder&)> answer;

    bool is_agent() const { return report.kind == inventory::DeviceKind::agent; }
    std::string identity() const { return inventory::identity_of(report); }
    Contact contact() const;
};

// 1-based: serves at 192.168.0.<n>:7547.
Cpe an_agent(int n, const std::string& site);
Cpe a_plain(int n, const std::string& site);

class Bench {
public:
    explicit Bench(PlannerSettings settings = default_settings());
    static PlannerSettings default_settings();

    Planner& planner() { return *planner_; }
    WallTime now = kStart;

    // The ACS dies and starts from its rows.
    void restart();
    // Called before every call of the planner that has an outcome; may restart.
    std::function<void()> between;

    Cpe& add(Cpe cpe);
    Cpe& at(const std::string& identity) { return *cpes_.at(identity); }
    std::vector<Cpe*> all();

    void publish(ImageRow image);
    std::string start(const std::string& image, const std::function<void(RolloutSpec&)>& = {});

    // One whole CWMP session: Inform, what it has to deliver, then our requests until none is left.
    void session(Cpe& cpe);
    // The same but lost before the device heard our request.
    std::optional<DeviceOrder> session_lost_at_order(Cpe& cpe);
    void tick();
    void pass(std::chrono::milliseconds time);  // and tick
    using Verb = Result<void> (Planner::*)(std::string_view, const Act&, Changes&);
    void turn(Verb verb, const std::string& rollout);  // by the operator
    // Calls whom the planner wants called; those with `reachable` come at once.
    std::vector<std::string> call(const std::function<bool(Cpe&)>& reachable);

    // The transfer succeeded, as the device sees it: staged, or installed and rebooted.
    void finish(Cpe& cpe);
    void fault(Cpe& cpe, std::uint32_t code, const std::string& why);
    // Everybody takes orders, finishes and reports, until nobody has anything to do. True when
    // the rollout is finished.
    bool run_to_end(const std::string& rollout, int rounds = 60);

    const RolloutDeviceRow& seat(const std::string& rollout, const Cpe& cpe);
    std::string states(const std::string& rollout);  // "1 done, 2 staged": by n
    planning::Assignment assignment(const std::string& rollout, const Cpe& cpe);
    std::string token(const std::string& rollout, const Cpe& cpe) {
        return seat(rollout, cpe).token;
    }

    std::map<std::string, Row> rows;  // as the store has them
    std::vector<EventRow> events;     // every one that was made
    std::vector<std::string> log;     // "<identity> <kind> <key>" of every order that left

private:
    void keep(const Changes& changes);
    void forget(const std::string& identity);
    void take(Cpe& cpe, const DeviceOrder& order);

    PlannerSettings settings_;
    Rng rng_{1};
    std::unique_ptr<Planner> planner_;
    std::map<std::string, std::unique_ptr<Cpe>> cpes_;
};

}  // namespace sluice::service::bench
