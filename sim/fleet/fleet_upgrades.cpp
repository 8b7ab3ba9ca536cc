// What follows once an emulated CPE has its image, or will not get it: the install, the reboot, the
// way back from a bad image, the report.
#include <algorithm>

#include "sim/fleet/fleet_impl.hpp"

namespace sluice::sim::fleet {
namespace {

constexpr std::string_view kNoTime = "0001-01-01T00:00:00Z";

}  // namespace

// --- the image runs ------------------------------------------------------------------------------

void Fleet::Impl::on_step_over(DeviceNumber d) {
    auto& device = devices[d];
    switch (device.order->step) {
        case Step::waiting:
            return begin_order(d);
        case Step::choosing:
            if (device.order->is_starving) ++device.order->next_source;
            return choose_source(d);
        case Step::copying:
            return have_image(d);
        case Step::installing:
            return flip(d);
        case Step::rebooting:
        case Step::on_trial:
            return come_back(d);
        case Step::asking:
        case Step::fetching:
            return;
    }
}

// Not inside a session: the end of that asks again.
void Fleet::Impl::flip(DeviceNumber d) {
    auto& device = devices[d];
    auto& order = *device.order;
    if (device.is_in_session) {
        order.until = steady_now() + 100ms;
        return;
    }
    const auto version = version_number(order.version);
    const auto known = std::ranges::find(device.installs, version,
                                         &std::pair<VersionNumber, std::uint16_t>::first);
    if (known == device.installs.end())
        device.installs.emplace_back(version, 1);
    else
        ++known->second;
    ++tally.installs;
    device.is_off = true;
    const bool is_bad = identities.draw(d, "unhealthy") < settings.faults.unhealthy;
    if (identities.draw(d, "lost") < settings.faults.lost) {
        device.is_lost = true;
        ++lost;
        drop_order(d);
        return check_end();
    }
    order.step = is_bad ? Step::on_trial : Step::rebooting;
    order.until =
        steady_now() + settings.reboot_time + (is_bad ? settings.fall_back_time : Duration{});
}

void Fleet::Impl::come_back(DeviceNumber d) {
    auto& device = devices[d];
    auto& order = *device.order;
    if (order.is_reboot) {
        device.order.reset();
        return boot(d);
    }
    if (order.step == Step::on_trial) {
        ++tally.fall_backs;
        finish_order(d, code_of(cwmp::FaultCode::download_failure), "fell back: not healthy");
        return boot(d);
    }
    device.version = version_number(order.version);
    device.events.finish(cwmp::TransferKind::download, order.command_key, {}, kNoTime, kNoTime);
    drop_order(d);
    boot(d, true);
}

void Fleet::Impl::reboot(DeviceNumber d) {
    auto& device = devices[d];
    if (device.order) return;  // its own reboot comes
    device.is_off = true;
    device.order = std::make_unique<Order>();
    device.order->is_reboot = true;
    device.order->step = Step::rebooting;
    device.order->until = steady_now() + settings.reboot_time;
}

// --- the order is over ---------------------------------------------------------------------------

void Fleet::Impl::finish_order(DeviceNumber d, std::uint32_t code, const std::string& why) {
    auto& device = devices[d];
    if (code != 0) {
        ++device.faults;
        ++tally.transfer_faults[code];
        tally.fault_examples.emplace(std::to_string(code), identities.identity(d) + ": " + why);
    }
    device.events.finish(cwmp::TransferKind::download, device.order->command_key, {code, why},
                         kNoTime, kNoTime);
    drop_order(d);
    if (!device.is_off) poke(d, cwmp::ReportWanted{});
}

void Fleet::Impl::drop_order(DeviceNumber d) {
    end_transfer(d);
    devices[d].order.reset();
    wake_neighbours(d);
}

// Its own callback may be on the stack.
void Fleet::Impl::end_transfer(DeviceNumber d) {
    const auto at = transfers.find(d);
    if (at == transfers.end()) return;
    boost::asio::post(io, [gone = std::shared_ptr<Transfer>(std::move(at->second))] {});
    transfers.erase(at);
}

}  // namespace sluice::sim::fleet
