#include "agent/management/order_runner.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "agent/clock.hpp"
#include "agent/management/order_book.hpp"
#include "agent/management/proc_files.hpp"
#include "engine/net/log.hpp"

namespace sluice::agent::management {
namespace {

// An Assignment is not asked for more often, whatever it says.
constexpr std::uint32_t kLeastRefresh = 10;

// New credentials alone are no reason to begin again.
bool are_same(const std::vector<planning::Source>& a, const std::vector<planning::Source>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& x, const auto& y) { return x.url == y.url; });
}

std::string text_of(const TransferFault& fault) {
    return std::to_string(code_of(fault.code)) + " " + fault.why;
}

}  // namespace

OrderRunner::OrderRunner(const OrderParts& parts, std::function<void()> on_finished,
                         std::function<void()> on_reboot)
    : parts_(parts),
      on_finished_(std::move(on_finished)),
      on_reboot_(std::move(on_reboot)),
      source_(parts.io, parts.tls, parts.settings),
      refresher_(parts.io, parts.tls, parts.settings),
      files_(parts.io, parts.tls, parts.configurator, parts.settings),
      timer_(parts.io),
      refresh_alarm_(parts.io),
      window_alarm_(parts.io) {}

Order* OrderRunner::current() {
    return current_ ? find_order(parts_.ledger.state, *current_) : nullptr;
}

// --- the one under way ---------------------------------------------------------------------------

void OrderRunner::drop_current() {
    source_.cancel();
    refresher_.cancel();
    refresh_alarm_.cancel();
    window_alarm_.cancel();
    files_.cancel();
    fetch_.reset();
    assignment_.reset();
    current_.reset();
    activity_ = {};
    timer_.cancel();
}

void OrderRunner::taken_back(std::uint32_t number) {
    if (current_ != number) return;
    drop_current();
    go_on();
}

// --- what to fetch -------------------------------------------------------------------------------

void OrderRunner::ask_source() {
    const auto* order = current();
    if (order == nullptr) return;
    source_.ask(*order, parts_.model.acs_credentials(), {},
                [this](const ImageSource::Answer& answer) { on_assignment(answer); });
}

void OrderRunner::on_assignment(const ImageSource::Answer& answer) {
    const auto* order = current();
    if (order == nullptr) return;
    if (!answer) return fail_or_retry(answer.error());
    assignment_ = *answer.value();
    learn_time(*assignment_);
    const auto manifest = verify(*assignment_);
    if (!manifest) return;
    parts_.ledger.state.last.role =
        assignment_->role == planning::Role::master ? "Master" : "Slave";
    const auto& slots = parts_.upgrader.slots();
    const bool runs_already = order->kind == OrderKind::upgrade && slots.state &&
                              slots.running_sha256() == manifest->sha256;
    if (runs_already) return finish_well(*current_, "Committed");
    fetch(*assignment_, *manifest);
}

void OrderRunner::learn_time(const planning::Assignment& assignment) {
    if (assignment.server_time.seconds <= 0) return;
    const auto now = monotonic_now();
    parts_.clock.acs_said(assignment.server_time, now);
    parts_.ledger.state.told = parts_.clock.utc(now);
    parts_.ledger.state.has_acs_spoken = true;
}

std::optional<image::Manifest> OrderRunner::verify(const planning::Assignment& assignment) {
    const auto& settings = parts_.settings;
    image::DeviceFacts device;
    device.manufacturer = settings.device.manufacturer;
    device.oui = settings.device.oui;
    device.product_class = settings.device.product_class;
    device.serial_number = settings.device.serial_number;
    device.hardware_version = settings.hardware_version;
    device.software_version = parts_.upgrader.version;
    device.security_version = parts_.upgrader.security_version();
    device.now = parts_.clock.utc(monotonic_now());
    auto manifest = image::verify_manifest(assignment.manifest, settings.trust, device);
    // What runs already is of the security version that it has, and from no other version.
    const auto& slots = parts_.upgrader.slots();
    if (!manifest && slots.state) {
        auto read = image::verify_manifest_signatures(assignment.manifest, settings.trust);
        if (read && read.value().sha256 == slots.running_sha256()) manifest = std::move(read);
    }
    if (!manifest) {
        fail(fault_of(manifest.error()));
        return std::nullopt;
    }
    if (const auto is_it = image::check_is_of(manifest.value(), assignment.image); !is_it) {
        fail(fault_of(is_it.error()));
        return std::nullopt;
    }
    return std::move(manifest).value();
}

// --- fetching ------------------------------------------------------------------------------------

void OrderRunner::fetch(const planning::Assignment& assignment, const image::Manifest& manifest) {
    fetch_ = std::make_unique<ImageFetch>(
        parts_.io, parts_.worker, parts_.library, parts_.tls, parts_.clock, parts_.report,
        assignment, parts_.settings.local_address,
        [this](const Result<FetchResult, TransferFault>& result) { on_fetched(result); });
    parts_.library.open(
        manifest, assignment.manifest,
        [this, number = *current_](const Result<std::shared_ptr<StoredImage>>& opened) {
            if (current_ != number || !fetch_) return;  // taken back meanwhile
            if (!opened)
                return fail({cwmp::FaultCode::download_failure,
                             "the store failed: " + opened.error().message});
            was_whole_ = opened.value()->is_whole();
            fetch_->start(opened.value());
            await_refresh();
        });
}

// Long fetches ask again: a master may have been replaced, a rollout cancelled.
void OrderRunner::await_refresh() {
    const auto wait = std::max<std::uint32_t>(assignment_->refresh_s, kLeastRefresh);
    refresh_alarm_.set(std::chrono::seconds(wait), [this] {
        const auto* order = current();
        if (order == nullptr || !fetch_) return;
        refresher_.ask(*order, parts_.model.acs_credentials(), source_.etag(),
                       [this](const ImageSource::Answer& answer) { on_refreshed(answer); });
    });
}

void OrderRunner::on_refreshed(const ImageSource::Answer& answer) {
    if (current() == nullptr || !fetch_) return;
    // The ACS knows the order no more: nobody waits for it.
    if (!answer && answer.error().code == cwmp::FaultCode::cannot_access_file)
        return fail(answer.error());
    if (answer && answer.value() && answer.value()->image == assignment_->image &&
        answer.value()->swarm)
        if (auto* swarm = parts_.library.swarm_of(assignment_->image))
            swarm->set_peers(answer.value()->swarm->peers);
    const bool is_new = answer && answer.value() && answer.value()->image == assignment_->image &&
                        !are_same(answer.value()->sources, assignment_->sources);
    if (!is_new) return await_refresh();
    net::log_info("the Assignment has changed");
    fetch_.reset();
    assignment_ = *answer.value();
    learn_time(*assignment_);
    if (const auto manifest = verify(*assignment_)) fetch(*assignment_, *manifest);
}

void OrderRunner::on_fetched(const Result<FetchResult, TransferFault>& result) {
    // It may be the caller.
    boost::asio::post(parts_.io, [gone = std::shared_ptr<ImageFetch>(std::move(fetch_))] {});
    auto* order = current();
    if (order == nullptr) return;
    if (!result) {
        // The fetch itself was patient with its sources; other ones may be had.
        if (std::exchange(has_fetched_again_, true)) return give_up(result.error());
        return fail_or_retry(result.error());
    }
    const auto& fetched = result.value();
    auto& last = parts_.ledger.state.last;
    if (!was_whole_) {
        last.peer_bytes = fetched.peer_bytes;
        last.origin_bytes = fetched.origin_bytes;
        last.fetch_ms = static_cast<std::uint64_t>((monotonic_now() - began_) / 1ms);
    }
    parts_.library.retain(*fetched.image, *assignment_);
    if (order->kind == OrderKind::stage) return finish_well(order->number, "Staged");
    install(fetched.image);
}

// --- installing ----------------------------------------------------------------------------------

void OrderRunner::install(const std::shared_ptr<StoredImage>& image) {
    auto& order = *current();
    if (!parts_.upgrader.can_install())
        return fail({cwmp::FaultCode::download_failure,
                     "this device has neither slots nor an install command"});
    activity_ = "Installing";
    const auto& manifest = image->manifest;
    order.phase = OrderPhase::installing;
    order.image_sha256 = manifest.sha256;
    order.version = manifest.software_version;
    order.created = manifest.created;
    order.note.clear();
    parts_.ledger.state.boot_slot.clear();  // the newer wish counts
    order.boot_id = kernel_boot_id(parts_.disk);
    const auto& slots = parts_.upgrader.slots();
    if (slots.state) {
        const auto& inactive = slots.state->at(other(slots.running));
        order.was_in_slot = inactive.is_whole && inactive.sha256 == manifest.sha256;
        // The slot's software is known by its bytes: of those that are in no slot none is kept.
        auto& software = parts_.ledger.state.software;
        std::erase_if(software, [&](const SlotSoftware& s) {
            return s.sha256 != slots.running_sha256() && s.sha256 != inactive.sha256;
        });
        std::erase_if(software, [&](const SlotSoftware& s) { return s.sha256 == manifest.sha256; });
        software.push_back({manifest.sha256, manifest.software_version, manifest.created});
    }
    parts_.ledger.save([this, image](const Result<void>& saved) {
        if (current() == nullptr) return;
        if (!saved)
            return fail({cwmp::FaultCode::download_failure,
                         "the device state cannot be kept: " + saved.error().message});
        leave_and_install(image);
    });
}

// What the device uses now is kept for the image that it may fall back to.
void OrderRunner::leave_and_install(const std::shared_ptr<StoredImage>& image) {
    parts_.configurator.leave(true, [this, image, number = *current_](const Result<void>& kept) {
        if (current_ != number || current() == nullptr) return;
        if (!kept)
            return fail({cwmp::FaultCode::internal_error,
                         "the configuration cannot be kept: " + kept.error().message});
        parts_.upgrader.install(image, [this, number](const Result<void>& done) {
            if (current_ == number) on_installed(done);
        });
    });
}

void OrderRunner::on_installed(const Result<void>& done) {
    auto* order = current();
    if (order == nullptr) return;
    if (!done) return fail({cwmp::FaultCode::download_failure, done.error().message});
    order->phase = OrderPhase::rebooting;
    parts_.report.write("installed", {{"key", order->command_key}});
    net::log_info("installed", {{"version", order->version}});
    activity_ = "Rebooting";
    // The boot record says it already: should this be lost, the next start finds out.
    parts_.ledger.save([this](const Result<void>& saved) {
        if (!saved) net::log_warning("device state: " + saved.error().message);
        on_reboot_();
    });
}

// --- configurations ------------------------------------------------------------------------------

void OrderRunner::on_file_done(const Result<FileOrders::Done, TransferFault>& result) {
    auto* order = current();
    if (order == nullptr) return;
    if (!result) return fail_or_retry(result.error());
    auto& state = parts_.ledger.state;
    if (result.value().is_configuration_new) state.events.value_changed();
    // Durable with the result: a cut must not leave it out.
    if (result.value().wants_reboot) state.owed_reboot = kernel_boot_id(parts_.disk);
    const bool wants_reboot = result.value().wants_reboot;
    finish_well(order->number, "Idle", wants_reboot);
}

// --- the end of an order -------------------------------------------------------------------------

void OrderRunner::finish(std::uint32_t number, const TransferFault& fault) {
    net::log(net::LogLevel::error, "order failed: " + text_of(fault));
    parts_.report.write("failed", {{"why", text_of(fault)}});
    parts_.ledger.state.last.state = "Failed";
    set_result_and_save(number, {code_of(fault.code), fault.why});
}

void OrderRunner::finish_well(std::uint32_t number, const char* state, bool wants_reboot) {
    parts_.ledger.state.last.state = state;
    set_result_and_save(number, {}, wants_reboot);
}

void OrderRunner::set_result_and_save(std::uint32_t number, const cwmp::FaultStruct& fault,
                                      bool wants_reboot) {
    auto& state = parts_.ledger.state;
    if (const auto* order = find_order(state, number)) {
        set_result(state, *order, fault, parts_.clock.utc(monotonic_now()));
        forget_order(state, number);
    }
    if (current_ == number) drop_current();
    parts_.ledger.save([this, wants_reboot](const Result<void>& saved) {
        // Not durable: what is told the ACS all the same is told again after a cut, at the worst.
        if (!saved) net::log_warning("device state: " + saved.error().message);
        if (wants_reboot) return on_reboot_();
        on_finished_();
        go_on();
    });
}

}  // namespace sluice::agent::management
