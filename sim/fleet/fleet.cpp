#include "sim/fleet/fleet.hpp"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <sys/resource.h>

#include "engine/base/rng.hpp"
#include "engine/net/random.hpp"
#include "sim/fleet/fleet_impl.hpp"
#include "sim/fleet/process_cpu.hpp"

namespace sluice::sim::fleet {
namespace {

constexpr auto kShowEvery = std::chrono::milliseconds(200);
constexpr Duration kFinishTime = 10s;  // for what is open when a run ends
constexpr std::size_t kOtherFiles = 64;

cwmp::SchedulePolicy policy_of(const FleetSettings& s) {
    cwmp::SchedulePolicy out;
    out.retry_m_seconds = s.retry_minimum_s;
    out.boot_spread = s.boot_spread;
    out.longest_silence = s.longest_silence;
    return out;
}

// As many descriptors as we may have, and whether that is enough.
Result<void> make_room_for(std::size_t sockets) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= sockets + kOtherFiles) return success();
    return Error{
        fmt::format("--at-once, --fetches-at-once: {} sockets, and this process may have "
                    "{} descriptors",
                    sockets, limit.rlim_cur)};
}

}  // namespace

Instant steady_now() {
    return {std::chrono::steady_clock::now().time_since_epoch()};
}

Fleet::Impl::Impl(const FleetSettings& its_settings)
    : settings(its_settings),
      identities(settings),
      words(settings, identities),
      tls(settings.ca_file),
      timer(io),
      show_timer(io),
      end_timer(io),
      signals(io) {
    if (!settings.client_certificate.empty())
        tls.set_own_certificate(settings.client_certificate, settings.client_key);
    tls.set_resumption(settings.resumes_tls);
    acs_url = settings.acs.front().text();
    warm_up_left = settings.warm_up_sessions;
}
Fleet::Impl::~Impl() = default;

Result<void> Fleet::Impl::start() {
    SLUICE_CHECK(net::random_block<std::uint64_t>());  // cnonces, nonces
    SLUICE_CHECK(make_room_for(std::size_t{settings.at_once} + settings.fetches_at_once +
                               (settings.listen ? settings.at_once + settings.listen_ports : 0)));
    if (settings.listen) {
        SLUICE_TRY(calls, Calls::start(io, *this, *settings.listen, settings.listen_ports));
    }
    if (settings.acs.front().is_tls) SLUICE_CHECK(tls.context());
    const auto before = resident_bytes();
    versions.push_back(settings.software_version);
    devices.reserve(settings.devices);
    for (DeviceNumber d = 0; d < settings.devices; ++d)
        devices.emplace_back().acs = static_cast<std::uint8_t>(d % settings.acs.size());
    bytes_per_device = (resident_bytes() - before) / settings.devices;
    return success();
}

VersionNumber Fleet::Impl::version_number(const std::string& name) {
    const auto at = std::ranges::find(versions, name);
    if (at != versions.end()) return static_cast<VersionNumber>(at - versions.begin());
    versions.push_back(name);
    return static_cast<VersionNumber>(versions.size() - 1);
}

// --- what is due ---------------------------------------------------------------------------------

void Fleet::Impl::set_due(DeviceNumber d) {
    auto& device = devices[d];
    auto due = device.is_off || device.is_lost ? Instant::never() : device.schedule.next_deadline();
    if (device.order && !device.is_lost) due = std::min(due, device.order->until);
    const auto before = [this](auto a, auto b) { return devices[a].due < devices[b].due; };
    const auto place = [this](auto a) -> std::uint32_t& { return devices[a].place; };
    const bool is_there = device.place != network::IndexedHeap::kNowhere;
    // The heap reads the key while it looks for the device's place.
    device.due = due;
    if (!is_there)
        heap.insert(d, before, place);
    else
        heap.update(d, before, place);
    arm();
}

void Fleet::Impl::arm() {
    const auto next = heap.empty() ? Instant::never() : devices[heap.top()].due;
    if (next == Instant::never() || (is_armed && armed_for <= next)) return;
    is_armed = true;
    armed_for = next;
    timer.expires_at(std::chrono::steady_clock::time_point(
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(next.since_start)));
    timer.async_wait([this](boost::system::error_code error) {
        if (!error) on_timer();
    });
}

void Fleet::Impl::on_timer() {
    is_armed = false;
    const auto now = steady_now();
    while (!is_ending && devices[heap.top()].due <= now) on_due(heap.top());
    arm();
}

// Moves the device's deadline on, or leaves it where there is none any more.
void Fleet::Impl::on_due(DeviceNumber d) {
    auto& device = devices[d];
    const auto now = steady_now();
    if (device.order && device.order->until <= now) {
        device.order->until = Instant::never();
        on_step_over(d);
    }
    if (!device.is_off && !device.is_lost && device.schedule.next_deadline() <= now)
        poke(d, cwmp::TimePassed{});
    set_due(d);
}

void Fleet::Impl::boot(DeviceNumber d, bool is_upgraded) {
    auto& device = devices[d];
    device.is_off = false;
    const auto seed = mix64(settings.seed ^ mix64(std::uint64_t{++device.boots} << 32 | d));
    device.schedule = cwmp::CpeSchedule(policy_of(settings), seed);
    device.events.booted(acs_url);
    if (is_upgraded) device.events.value_changed();
    poke(d, cwmp::Booted{});
    poke(d, cwmp::PeriodSet{settings.period, std::nullopt});
}

// --- the run's end -------------------------------------------------------------------------------

bool Fleet::Impl::is_enough() const {
    const auto alive = settings.devices - lost;
    if (settings.sessions != 0 && tally.good >= settings.sessions) return true;
    if (settings.rounds != 0 && rounds_done >= alive) return true;
    return !settings.until_version.empty() && at_target >= alive;
}

double Fleet::Impl::part() const {
    const auto alive = static_cast<double>(std::max(settings.devices - lost, 1u));
    double out = 0;
    if (settings.sessions != 0)
        out =
            std::max(out, static_cast<double>(tally.good) / static_cast<double>(settings.sessions));
    if (settings.rounds != 0) out = std::max(out, rounds_done / alive);
    if (!settings.until_version.empty()) out = std::max(out, at_target / alive);
    if (settings.duration != Duration{})
        out = std::max(out, std::chrono::duration<double>(steady_now() - began) /
                                std::chrono::duration<double>(settings.duration));
    return out;
}

void Fleet::Impl::check_end() {
    if (is_ending) return stop_when_idle();
    if (warm_up_left == 0 && is_enough()) end(true);
}

void Fleet::Impl::end(bool complete) {
    if (is_ending) return;
    is_ending = true;
    is_complete = complete;
    queue.clear();
    end_timer.expires_after(std::chrono::duration_cast<std::chrono::seconds>(kFinishTime));
    end_timer.async_wait([this](boost::system::error_code error) {
        if (!error) io.stop();
    });
    stop_when_idle();
}

void Fleet::Impl::stop_when_idle() {
    if (sessions.empty()) io.stop();
}

void Fleet::Impl::begin_measurement() {
    tally = {};
    tally.begun = sessions.size();
    began = last_session = steady_now();
    own_cpu_began = own_cpu_seconds();
    acs_cpu_began = cpu_seconds(settings.acs_pids);
}

FleetResult Fleet::Impl::result() const {
    FleetResult out;
    out.tally = tally;
    out.tally.lost_devices = lost;
    out.devices = settings.devices;
    out.reached = reached;
    out.seconds = std::chrono::duration<double>(last_session - began).count();
    out.own_cpu_s = own_cpu_seconds() - own_cpu_began;
    if (!settings.acs_pids.empty()) out.acs_cpu_s = cpu_seconds(settings.acs_pids) - acs_cpu_began;
    out.bytes_per_device = bytes_per_device;
    for (const auto& device : devices)
        if (device.has_reported) ++out.versions[versions[device.reported]];
    out.is_complete = is_complete;
    return out;
}

FleetResult Fleet::Impl::run(const std::function<void(const FleetProgress&)>& show) {
    signals.add(SIGINT);
    signals.add(SIGTERM);
    signals.async_wait([this](boost::system::error_code error, int) {
        if (!error) end(true);
    });
    begin_measurement();
    for (DeviceNumber d = 0; d < settings.devices; ++d) {
        boot(d);
        set_due(d);
    }
    std::function<void()> show_again = [&] {
        show({part(), tally.good, tally.failures()});
        const auto gone = steady_now() - began;
        if (settings.duration != Duration{} && gone >= settings.duration) end(true);
        if (settings.time_limit != Duration{} && gone >= settings.time_limit) end(false);
        show_timer.expires_after(kShowEvery);
        show_timer.async_wait([&](boost::system::error_code error) {
            if (!error) show_again();
        });
    };
    show_again();
    io.run();
    return result();
}

// --- the door ------------------------------------------------------------------------------------

Fleet::Fleet(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Fleet::~Fleet() = default;

Result<std::unique_ptr<Fleet>> Fleet::make(const FleetSettings& settings) {
    auto impl = std::make_unique<Impl>(settings);
    SLUICE_CHECK(impl->start());
    return std::unique_ptr<Fleet>(new Fleet(std::move(impl)));
}

FleetResult Fleet::run(const std::function<void(const FleetProgress&)>& show) {
    return impl_->run(show);
}

std::string Fleet::devices_csv() const {
    std::string out =
        "identity,kind,site,version,sessions,failed,orders,installs,from_servers,from_peers,faults,"
        "lost\n";
    for (DeviceNumber d = 0; d < impl_->devices.size(); ++d) {
        const auto& device = impl_->devices[d];
        std::string installs;
        for (const auto& [version, count] : device.installs)
            installs += fmt::format("{}{}:{}", installs.empty() ? "" : ";",
                                    impl_->versions[version], count);
        out +=
            fmt::format("{},{},{},{},{},{},{},{},{},{},{},{}\n", impl_->identities.identity(d),
                        impl_->identities.is_agent(d) ? "agent" : "plain",
                        impl_->identities.site(d), impl_->versions[device.version], device.sessions,
                        device.failed, device.orders, installs, device.from_servers,
                        device.from_peers, device.faults, device.is_lost ? 1 : 0);
    }
    return out;
}

}  // namespace sluice::sim::fleet
