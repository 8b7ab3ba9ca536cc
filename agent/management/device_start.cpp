// What a device does between its start and its first session: opens what it remembers, finds out
// which slot it runs from, and what became of an upgrade that was under way.
#include <array>
#include <boost/asio/io_context.hpp>
#include <ctime>

#include "agent/clock.hpp"
#include "agent/management/device.hpp"
#include "agent/management/order_book.hpp"
#include "agent/management/proc_files.hpp"
#include "engine/net/log.hpp"
#include "engine/net/random.hpp"

namespace sluice::agent::management {
namespace {

cwmp::SchedulePolicy schedule_policy(const Settings& settings) {
    cwmp::SchedulePolicy policy;
    policy.retry_m_seconds = settings.retry_minimum_s;
    policy.boot_spread = settings.boot_spread;
    return policy;
}

}  // namespace

Device::Device(boost::asio::io_context& io, const Settings& settings, ReportFile report)
    : settings_(settings),
      report_(std::move(report)),
      io_(io),
      disk_(disk::posix_disk()),
      clock_(settings.clock_floor.value_or(build_date()), monotonic_now()),
      tls_(settings.ca_file),
      client_(io_, tls_, *this, settings.local_address, settings.is_insecure_lab),
      schedule_(schedule_policy(settings), net::random_block<std::uint64_t>().value()),
      schedule_alarm_(io_),
      reboot_alarm_(io_) {
    // For TLS alone the system's clock counts too where it is later: a device that does know the
    // time refuses a certificate on the day it expires.
    tls_.set_time_floor([this] {
        const UtcTime system{static_cast<std::int64_t>(std::time(nullptr))};
        return std::max(system, clock_.proven(monotonic_now()));
    });
    if (!settings.client_certificate.empty())
        tls_.set_own_certificate(settings.client_certificate, settings.client_key);
}

int Device::run() {
    for (auto step : {&Device::lock_folders, &Device::open, &Device::listen}) {
        if (auto done = (this->*step)(); !done) {
            net::log(net::LogLevel::error, done.error().message);
            report_.write("failed", {{"why", done.error().message}});
            return 1;
        }
    }
    const auto& slots = upgrader_->slots();
    const bool may_other_have_run =
        slots.state && install::may_other_have_run(*slots.state, slots.running);
    configurator_->booted(slots.running, may_other_have_run, [this](const Result<void>& in_use) {
        if (!in_use) {
            net::log(net::LogLevel::error, "configuration: " + in_use.error().message);
            report_.write("failed", {{"why", in_use.error().message}});
        }
        upgrader_->booted([this] { on_boot_settled(); });
    });
    io_.run();
    // The workers first, then what their jobs use.
    configurator_.reset();
    upgrader_.reset();
    worker_.reset();
    return exit_code_;
}

// --- opening -------------------------------------------------------------------------------------

Result<void> Device::lock_folders() {
    const auto take = [this](const std::string& folder, const char* option,
                             std::optional<FolderLock>& lock) -> Result<void> {
        if (folder.empty()) return success();
        // Not durable, a power cut would take all that is in it.
        if (auto made = disk::make_durable_directory(*disk_, folder); !made)
            return Error{std::string(option) + " " + folder + ": " + made.error().message};
        auto taken = FolderLock::take(folder);
        if (!taken) return std::move(taken).error().within(option);
        lock.emplace(std::move(taken).value());
        return success();
    };
    SLUICE_CHECK(take(settings_.state, "--state", state_lock_));
    SLUICE_CHECK(take(settings_.store, "--store", store_lock_));
    return take(settings_.slots, "--slots", slots_lock_);
}

Result<void> Device::open() {
    SLUICE_TRY(ledger_, Ledger::open(io_, *disk_, settings_.state));
    // Power was lost between the order and the reset.
    const bool is_reset = ledger_->state.is_reset_ordered;
    if (is_reset) {
        ledger_->state = after_reset(ledger_->state);
        ledger_->state.expects_boot = true;
    }
    is_boot_wanted_ = std::exchange(ledger_->state.expects_boot, false) ||
                      ledger_->state.informed_version.empty();
    learn_time();
    model_ = std::make_unique<DeviceModel>(settings_, ledger_->state);
    worker_ = std::make_unique<Worker>();
    library_ = std::make_unique<Library>(io_, *disk_, *worker_, *ledger_, clock_, settings_, cpu_);
    upgrader_ =
        std::make_unique<Upgrader>(io_, *disk_, settings_, static_cast<UpgradeListener&>(*this));
    SLUICE_CHECK(upgrader_->open());
    upgrader_->version = running_version();
    configurator_ = std::make_unique<Configurator>(io_, *disk_, settings_);
    SLUICE_CHECK(configurator_->open(upgrader_->version, is_reset));
    orders_ = std::make_unique<OrderRunner>(
        OrderParts{io_, *worker_, tls_, settings_, *disk_, *ledger_, clock_, *model_, *library_,
                   *upgrader_, *configurator_, cpu_, report_},
        [this] { report_wanted(); }, [this] { on_reboot_wanted(); });
    auto& state = ledger_->state;
    state.events.booted(model_->acs_url());
    if (!state.informed_version.empty() && state.informed_version != upgrader_->version)
        state.events.value_changed();
    return success();
}

void Device::learn_time() {
    const auto now = monotonic_now();
    const auto& state = ledger_->state;
    clock_.learn(state.committed_created, now);
    if (state.has_acs_spoken) clock_.acs_said(state.told, now);
}

std::string Device::running_version() const {
    const auto& slots = upgrader_->slots();
    const auto& vendors = ledger_->state.vendor_version;
    if (slots.state) return version_in(slots.running);
    return vendors.empty() ? settings_.software_version : vendors;
}

// The slot's, if we installed it; else the factory's.
std::string Device::version_in(install::Slot slot) const {
    const auto& slots = upgrader_->slots();
    for (const auto& software : ledger_->state.software)
        if (software.sha256 == slots.state->at(slot).sha256) return software.version;
    return settings_.software_version;
}

Result<void> Device::listen() {
    auto& state = ledger_->state;
    const auto remembered = std::pair(state.peer_port, state.connection_port);
    const bool is_first = state.connection_path.empty();
    if (is_first) {
        const auto random = net::random_block<std::array<std::uint8_t, 16>>().value();
        state.connection_path = "/" + to_base64url(random);
    }
    library_->set_enabled(model_->is_peer_download_enabled());
    SLUICE_CHECK(library_->listen());
    if (!settings_.connection_listen.empty()) {
        ConnectionListenerOptions options;
        options.listen = settings_.connection_listen;
        options.path = state.connection_path;
        options.credentials = [this] { return model_->connection_credentials(); };
        options.may_call = [this] {
            return is_reporting_ && !is_going_down_ && !schedule_.is_in_session();
        };
        options.called = [this] { poke(cwmp::ConnectionRequested{}); };
        options.clock = [] { return monotonic_now(); };
        const bool is_any = options.listen.front().port == 0;
        if (is_any) options.listen.front().port = state.connection_port;
        calls_ = std::make_unique<ConnectionListener>(io_, options);
        auto port = calls_->listen();
        if (!port && is_any && state.connection_port != 0) {
            options.listen = settings_.connection_listen;
            calls_ = std::make_unique<ConnectionListener>(io_, options);
            port = calls_->listen();
        }
        if (!port) return std::move(port).error().within("--connection-listen");
        if (is_any) state.connection_port = port.value();
        const net::Url url{false, settings_.connection_listen.front().address, port.value(),
                           state.connection_path};
        connection_url_ = url.text();
    }
    if (is_first || remembered != std::pair(state.peer_port, state.connection_port))
        SLUICE_CHECK(ledger_->save_now());
    if (!library_->url().empty()) {
        const auto& address = settings_.listen.front().address;
        report_.write("listening", {{"address", address}, {"port", library_->port()}});
    }
    return success();
}

// --- what became of an upgrade -------------------------------------------------------------------

// The boot record's machine has had its say: on_fell_back and on_reboot_wanted came before.
void Device::on_boot_settled() {
    auto& state = ledger_->state;
    const char slot[] = {install::letter(upgrader_->slots().running), 0};
    report_.write("booted", {{"slot", std::string_view(slot)}, {"version", upgrader_->version}});
    net::log_info("booted", {{"slot", slot}, {"version", upgrader_->version}});
    settle_boot_wish();
    if (is_reboot_wanted_) return reboot_when_idle();
    if (auto* order = find_upgrade_under_way(state)) settle_upgrade(*order);
    library_->serve_retained();
    // On trial nothing is told before the health is known: on_health goes on.
    if (upgrader_->slots().is_on_trial()) return;
    begin_reporting();
}

// A slot that the ACS wants, or a reboot after a configuration: had, or still owed.
void Device::settle_boot_wish() {
    auto& state = ledger_->state;
    const auto& slots = upgrader_->slots();
    const auto owed = std::exchange(state.owed_reboot, {});
    const bool is_owed = !owed.empty() && !settings_.restarts_itself();
    if (is_owed && owed == kernel_boot_id(*disk_)) is_reboot_wanted_ = true;
    if (state.boot_slot.empty()) return;
    const bool is_there = !slots.state || state.boot_slot[0] == install::letter(slots.running);
    if (is_there) {
        state.boot_slot.clear();
    } else if (is_boot_wanted_) {
        is_reboot_wanted_ = true;  // cut off between the word for it and the boot record
    }
}

void Device::settle_upgrade(Order& order) {
    const auto& slots = upgrader_->slots();
    if (!slots.state) return settle_vendor_upgrade(order);
    if (slots.is_on_trial()) return;
    const auto& inactive = slots.state->at(other(slots.running));
    if (slots.running_sha256() == order.image_sha256) return on_committed();
    const bool was_flipped =
        order.phase != OrderPhase::installing ||
        (inactive.is_whole && inactive.sha256 == order.image_sha256 && !order.was_in_slot);
    if (was_flipped) return on_fell_back();
    // Cut off on its way into the slot: the store has the image, and it is put there again.
    order.phase = OrderPhase::waiting;
}

void Device::settle_vendor_upgrade(const Order& order) {
    const bool has_rebooted =
        settings_.restarts_itself() || order.boot_id != kernel_boot_id(*disk_);
    if (order.phase == OrderPhase::installing) {
        find_order(ledger_->state, order.number)->phase = OrderPhase::waiting;
        return;
    }
    if (!has_rebooted) return on_reboot_wanted();
    upgrader_->check_health([this, number = order.number](bool is_healthy, const std::string& why) {
        auto& state = ledger_->state;
        const auto* order_now = find_order(state, number);
        if (order_now == nullptr) return;
        if (!is_healthy)
            return orders_->finish(number, {cwmp::FaultCode::download_failure,
                                            "the new image is not healthy: " + why});
        state.vendor_version = upgrader_->version = order_now->version;
        state.committed_created = std::max(state.committed_created, order_now->created);
        state.events.value_changed();
        orders_->finish_well(number, "Committed");
    });
}

void Device::begin_reporting() {
    if (is_reporting_) return;
    is_reporting_ = true;
    set_period();
    poke(cwmp::Booted{is_boot_wanted_});
    orders_->go_on();
}

}  // namespace sluice::agent::management
