#include "acs-plugin/acs/owner.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <iterator>

#include "acs-plugin/acs/ledger.hpp"
#include "acs-plugin/acs/planner_desk.hpp"
#include "acs-plugin/acs/safe_upgrades.hpp"
#include "acs-plugin/acs/surroundings.hpp"
#include "acs-plugin/backup/locker.hpp"
#include "acs-plugin/cwmp/caller.hpp"
#include "acs-plugin/metrics/timed_desk.hpp"
#include "acs-plugin/rest/rest_server.hpp"
#include "acs-plugin/service/planner.hpp"
#include "engine/net/log.hpp"

namespace sluice::acs {
namespace {

constexpr Duration kTick = std::chrono::seconds(1);
constexpr Duration kShortestTick = std::chrono::milliseconds(20);
constexpr std::int64_t kTrimEveryMs = 30'000;

}  // namespace

struct Owner::Impl {
    explicit Impl(OwnerParts p) : parts(std::move(p)), timer(parts.io) {}

    Result<void> start();
    void open_locker();
    void start_upgrades();
    void show_upgrades(rest::RestOptions& options);
    Result<void> start_planner();
    Result<void> start_api();
    void sweep();
    void tick();
    void arm_timer();
    void call_devices();

    const OwnerParts parts;
    std::optional<Ledger> ledger;
    std::optional<backup::Locker> locker;  // with --backup-keys
    std::unique_ptr<service::Planner> planner;
    std::optional<SafeUpgrades> upgrades;
    std::optional<PlannerDesk> desk;
    std::optional<metrics::TimedDesk> timed;  // the same, watched
    std::vector<service::Row> api_rows;       // until the API has them
    std::optional<origin::PlannerTokens> tokens;
    std::unique_ptr<rest::RestServer> api;
    std::unique_ptr<cwmp::acs::Caller> caller;
    boost::asio::steady_timer timer;
    service::WallTime trimmed;
};

// --- starting ---------------------------------------------------------------------------------

void Owner::Impl::open_locker() {
    if (!parts.settings.backup_keys) return;
    auto& store = parts.store;
    backup::LockerOptions options;
    options.origin_url = parts.origin_url;
    options.kept = parts.settings.backups_kept;
    options.wall_time = wall_now;
    options.random = fill_random;
    options.commit = [this](service::Changes rows, auto done) {
        ledger->commit(std::move(rows), std::move(done));
    };
    options.rows = [&store](auto query, auto done) {
        store.backups(std::move(query), std::move(done));
    };
    options.bytes = [&store](auto id, auto done) { store.backup_bytes(id, std::move(done)); };
    options.tally = [&store](auto done) { store.count_backups(std::move(done)); };
    options.is_open = [this](const std::string& identity, const std::string& rollout,
                             std::uint32_t number) {
        return upgrades->all().is_open(identity, rollout, number);
    };
    options.versions = [this](const std::string& identity) {
        const auto* row = planner->device(identity);
        if (row == nullptr) return std::pair<std::string, std::string>();
        return std::pair(row->report.software_version, row->config_version);
    };
    options.log = log_of("backups");
    locker.emplace(*parts.settings.backup_keys, std::move(options));
}

void Owner::Impl::start_upgrades() {
    upgrades.emplace(SafeUpgradeParts{parts.io, *planner, locker ? &*locker : nullptr,
                                      parts.settings.conversions, wall_now,
                                      [this](service::Changes rows) {
                                          ledger->write(std::move(rows));
                                          arm_timer();
                                      },
                                      parts.settings.conversion_limit});
}

void Owner::Impl::show_upgrades(rest::RestOptions& options) {
    auto& all = upgrades->all();
    options.upgrades.list = [&all](const upgrade::acs::UpgradeQuery& query) {
        return all.upgrades(query);
    };
    options.upgrades.find = [&all](std::string_view identity) { return all.upgrade(identity); };
    options.upgrades.answer = [&all](const std::string& identity,
                                     const upgrade::acs::Answer& answer, const service::Act& act,
                                     service::Changes& out) {
        return all.answer(identity, answer, act, out);
    };
    options.upgrades.restore = [&all](std::uint64_t backup, const std::string& who, auto begun) {
        all.restore_backup(backup, who, std::move(begun));
    };
}

Result<void> Owner::Impl::start_planner() {
    const auto& settings = parts.settings;
    ledger.emplace(parts.store, parts.failed, [this] { arm_timer(); });
    ledger->on_written([this](Duration time, bool is_written) {
        parts.metrics.commit_took(time, is_written);
        if (api) api->on_events();
    });
    open_locker();
    service::PlannerSettings terms;
    terms.fleet = settings.fleet;
    terms.origin_url = parts.origin_url;
    if (settings.site_rate_bps != 0) terms.origin_bps = settings.site_rate_bps;
    terms.origin_username = settings.origin.username;
    terms.origin_password = settings.origin.password;
    planner = std::make_unique<service::Planner>(std::move(terms), fill_random);
    start_upgrades();
    std::uint64_t rows = 0;
    SLUICE_CHECK(parts.store.load_each([&](service::Row&& row) -> Result<void> {
        ++rows;
        if (rest::is_row_of_api(row)) api_rows.push_back(row);
        if (const auto* kept = std::get_if<service::BackupRow>(&row); kept && locker)
            locker->restore(*kept);
        return planner->restore_row(std::move(row));
    }));
    SLUICE_CHECK(planner->restore_end());
    desk.emplace(*planner, *ledger, wall_now, [this] { return parts.store.is_ours(); });
    if (locker)
        locker->lift_pins(
            [this](const service::BackupRow& row) { return upgrades->all().needs(row); });
    desk->set_wait([this](const std::string& identity, std::function<void()> then) {
        return upgrades->all().wait(identity, std::move(then));
    });
    timed.emplace(*desk, parts.metrics);
    tokens.emplace(*planner);
    // Under another ACS, that one calls (POST /calls).
    if (settings.program == Program::acs)
        caller = std::make_unique<cwmp::acs::Caller>(
            parts.io, parts.client_tls, cwmp::acs::CallerOptions{},
            [this](const std::string& identity, bool is_reached) {
                planner->on_called(identity, is_reached, wall_now());
                arm_timer();
            });
    net::log_info("store restored", {{"rows", std::to_string(rows)}});
    return success();
}

Result<void> Owner::Impl::start_api() {
    rest::RestOptions options;
    options.listen = parts.api_listen;
    options.tls = parts.api_tls;
    options.token = parts.settings.api_token;
    options.lan = parts.settings.lan;
    options.wall_time = wall_now;
    options.random = fill_random;
    options.client_tls = &parts.client_tls;
    options.rows = std::move(api_rows);
    options.locker = locker ? &*locker : nullptr;
    show_upgrades(options);
    options.spread = parts.spread;
    options.metrics = parts.metrics_text;
    options.not_ready = [this] {
        return parts.store.is_ours() ? std::string() : "this node does not own the store";
    };
    options.commit = [this](service::Changes rows, std::function<void(Result<void>)> done) {
        ledger->commit(std::move(rows), std::move(done));
    };
    options.history = [this](service::EventQuery query, auto done) {
        parts.store.history(std::move(query), std::move(done));
    };
    options.parts = [this](std::string rollout, service::RolloutDeviceQuery query, auto done) {
        parts.store.parts(std::move(rollout), std::move(query), std::move(done));
    };
    options.log = log_of("API");
    SLUICE_TRY(api, rest::RestServer::start(parts.io, *planner, parts.shelf, std::move(options)));
    return success();
}

// Files of a process that died before the row about them was kept.
void Owner::Impl::sweep() {
    const auto gone =
        parts.shelf.sweep([this](std::string_view id) { return planner->image(id) != nullptr; });
    if (gone > 0) net::log_info("swept the images' folder", {{"files", std::to_string(gone)}});
}

Result<void> Owner::Impl::start() {
    SLUICE_CHECK(start_planner());
    sweep();
    return start_api();
}

Owner::Owner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Owner::~Owner() = default;

Result<std::unique_ptr<Owner>> Owner::start(OwnerParts parts) {
    auto impl = std::make_unique<Impl>(std::move(parts));
    SLUICE_CHECK(impl->start());
    return std::unique_ptr<Owner>(new Owner(std::move(impl)));
}

cwmp::acs::Desk& Owner::desk() {
    return *impl_->timed;
}
std::vector<const service::ImageRow*> Owner::images() const {
    return impl_->planner->images();
}
origin::TokenBook& Owner::tokens() {
    return *impl_->tokens;
}
backup::Counter* Owner::counter() {
    return impl_->locker ? &*impl_->locker : nullptr;
}
std::uint16_t Owner::api_port() const {
    return impl_->api->port();
}
void Owner::adopt(int socket, const std::string& address) {
    impl_->api->adopt(socket, address);
}
void Owner::fill(metrics::Standing& standing, rest::RestCounters& counters) const {
    counters = impl_->api->counters();
    standing.api = &counters;
    standing.api_http = &impl_->api->http_counters();
    standing.devices = impl_->planner->device_count();
    standing.is_owner = impl_->parts.store.is_ours();
    standing.rollouts = impl_->planner->live_rollouts();
}
void Owner::begin() {
    impl_->tick();
}

// --- running ----------------------------------------------------------------------------------

void Owner::Impl::tick() {
    // Without the lease nothing passes: another node may be at it already.
    if (parts.store.is_ours()) {
        const auto now = wall_now();
        service::Changes changes;
        metrics::Stopwatch watch(parts.metrics, metrics::PlannerCall::time);
        planner->on_time(now, changes);
        watch.stop();
        ledger->write(std::move(changes));
        if (caller) call_devices();
        if (locker) locker->on_time(now);
        if (now.unix_ms - trimmed.unix_ms > kTrimEveryMs) {
            trimmed = now;
            parts.store.trim(now, parts.settings.history);
        }
    }
    arm_timer();
}

void Owner::Impl::arm_timer() {
    auto wait = kTick;
    if (const auto next = planner->next_deadline())
        wait = std::clamp<Duration>(std::chrono::milliseconds(next->unix_ms - wall_now().unix_ms),
                                    kShortestTick, kTick);
    timer.expires_after(wait);
    timer.async_wait([this](boost::system::error_code ec) {
        if (!ec) tick();
    });
}

void Owner::Impl::call_devices() {
    for (const auto& identity : planner->to_call(wall_now(), caller->room())) {
        const auto* row = planner->device(identity);
        if (row == nullptr || row->connection_url.empty()) {
            planner->on_called(identity, false, wall_now());
            continue;
        }
        const auto& ours = parts.settings.connection;
        const bool has_own = !row->connection_username.empty() && !row->connection_password.empty();
        caller->call({identity, row->connection_url,
                      has_own ? row->connection_username : ours.username,
                      has_own ? row->connection_password : ours.password});
    }
}

}  // namespace sluice::acs
