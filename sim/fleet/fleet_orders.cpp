// What emulated CPEs do with a Download, step by step: Assignment, sources in their order, the
// image, the install, the reboot, the report. Faults are drawn by device and order, so that a run
// with the same seed has the same ones.
#include <algorithm>

#include "engine/base/utc.hpp"
#include "engine/image/manifest.hpp"
#include "sim/fleet/fleet_impl.hpp"

namespace sluice::sim::fleet {
namespace {

using cwmp::FaultCode;

constexpr std::string_view kNoTime = "0001-01-01T00:00:00Z";

cwmp::Fault fault(FaultCode code, std::string why) {
    return {code_of(code), std::move(why), {}};
}

std::optional<OrderKind> kind_of(std::string_view file_type) {
    if (file_type.starts_with("1 ")) return OrderKind::upgrade;
    if (file_type.starts_with("3 ")) return OrderKind::configure;
    if (file_type.starts_with("X ") && file_type.ends_with(" Sluice Stage"))
        return OrderKind::stage;
    return std::nullopt;
}

// "gw3-2.0.bin" out of a URL, without the ending.
std::string file_name(const Order& order) {
    auto name = order.target_file_name;
    if (name.empty()) name = order.url.substr(order.url.rfind('/') + 1);
    if (name.ends_with(".bin")) name.resize(name.size() - 4);
    return name;
}

Duration time_for(std::uint64_t bytes, double bps) {
    if (bps <= 0) return {};
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(static_cast<double>(bytes) * 8 / bps));
}

}  // namespace

ImageNumber Fleet::Impl::image_number(const std::string& id) {
    const auto at = std::ranges::find(images, id);
    if (at != images.end()) return static_cast<ImageNumber>(at - images.begin());
    images.push_back(id);
    return static_cast<ImageNumber>(images.size() - 1);
}

// --- the order is taken --------------------------------------------------------------------------

cwmp::Message Fleet::Impl::take_download(DeviceNumber d, const cwmp::Download& request) {
    auto& device = devices[d];
    const auto kind = kind_of(request.file_type);
    if (!kind || (*kind == OrderKind::stage && !identities.is_agent(d)))
        return fault(FaultCode::invalid_arguments, "FileType " + request.file_type);
    const cwmp::DownloadResponse later{1, std::string(kNoTime), std::string(kNoTime)};
    const auto is_known = [&](const auto& t) {
        return t.result.command_key == request.command_key;
    };
    if (!request.command_key.empty() && std::ranges::any_of(device.events.transfers(), is_known))
        return later;
    if (device.order) return fault(FaultCode::resources_exceeded, "one transfer at a time");
    const auto nth = ++device.orders;
    ++tally.orders;
    if (identities.draw(d, "refuse", nth) < settings.faults.refuse) {
        ++tally.refused;
        return fault(FaultCode::request_denied, "the fleet was told to refuse");
    }
    if (device.events.take_order(cwmp::TransferKind::download, request.command_key) ==
        cwmp::OrderTaking::full)
        return fault(FaultCode::resources_exceeded, "too many transfers");
    auto order = std::make_unique<Order>();
    order->kind = *kind;
    order->command_key = request.command_key;
    order->url = request.url;
    order->username = request.username;
    order->password = request.password;
    order->target_file_name = request.target_file_name;
    order->length = request.file_size;
    order->was_told_to_fail = identities.draw(d, "transfer", nth) < settings.faults.transfer;
    order->assignment_url = take_value(device, kAssignmentUrl);
    const auto master = take_value(device, kMasterUrl);
    if (order->url.empty()) order->url = master;
    order->until = request.delay_seconds == 0
                       ? Instant::never()
                       : steady_now() + std::chrono::seconds(request.delay_seconds);
    device.order = std::move(order);
    return later;
}

cwmp::Message Fleet::Impl::cancel_transfer(DeviceNumber d, const cwmp::CancelTransfer& request) {
    auto& device = devices[d];
    const bool is_it = device.order && device.order->command_key == request.command_key &&
                       device.order->step < Step::installing;
    if (!is_it || !device.events.withdraw(cwmp::TransferKind::download, request.command_key))
        return fault(FaultCode::cannot_cancel, "it is too late, or there is none");
    drop_order(d);
    return cwmp::CancelTransferResponse{};
}

// --- where from ----------------------------------------------------------------------------------

void Fleet::Impl::begin_order(DeviceNumber d) {
    auto& order = *devices[d].order;
    order.began = steady_now();
    if (order.kind == OrderKind::configure || !identities.is_agent(d)) return begin_plain(d);
    order.step = Step::asking;
    if (transfers.size() >= settings.fetches_at_once) return fetch_queue.push_back(d);
    auto& transfer = transfers[d];
    transfer = std::make_unique<Transfer>(io, tls, identities.source_address(d));
    const bool has_url = !order.assignment_url.empty();
    transfer->ask(has_url ? order.assignment_url : order.url, {order.username, order.password},
                  [this, d](auto answer) { on_assignment(d, std::move(answer)); });
}

void Fleet::Impl::on_assignment(
    DeviceNumber d, Result<std::optional<planning::Assignment>, TransferTrouble> answer) {
    end_transfer(d);
    auto& device = devices[d];
    if (!answer) {
        finish_order(d, answer.error().code, answer.error().why);
    } else if (!answer.value()) {
        begin_plain(d);
    } else {
        ++tally.assignments;
        auto& order = *device.order;
        take_assignment(order, *answer.value());
        const bool is_here = order.image == device.held && order.kind == OrderKind::upgrade;
        order.step = Step::choosing;
        if (is_here)
            have_image(d);
        else
            choose_source(d);
    }
    set_due(d);
    begin_waiting_fetches();
}

void Fleet::Impl::take_assignment(Order& order, const planning::Assignment& assignment) {
    order.image = image_number(assignment.image.hex());
    if (const auto manifest = image::read_manifest(assignment.manifest)) {
        order.version = manifest.value().manifest.software_version;
        order.length = manifest.value().manifest.layout.length;
    }
    order.sources.clear();
    for (const auto& s : assignment.sources)
        order.sources.push_back(
            {s.kind == planning::SourceKind::peer, s.url, s.username, s.password});
    order.next_source = 0;
    order.patient_until = steady_now() + assignment.budgets.join_grace;
    order.starve_limit = assignment.budgets.starve_limit;
}

// No Assignment: the Download's URL is the only source, a neighbour's where it is one of ours.
void Fleet::Impl::begin_plain(DeviceNumber d) {
    auto& order = *devices[d].order;
    order.step = Step::choosing;
    order.version = settings.target_version.empty() ? file_name(order) : settings.target_version;
    order.sources = {
        {identities.at_peer_url(order.url).has_value(), order.url, order.username, order.password}};
    constexpr std::string_view kImages = "/v1/images/";
    if (const auto at = order.url.find(kImages); at != order.url.npos)
        order.image = image_number(order.url.substr(at + kImages.size(), 64));
    order.patient_until = steady_now() + planning::Budgets{}.join_grace;
    choose_source(d);
}

void Fleet::Impl::choose_source(DeviceNumber d) {
    auto& order = *devices[d].order;
    if (order.was_told_to_fail)
        return finish_order(d, settings.faults.transfer_code, "the fleet was told to fail");
    while (order.next_source < order.sources.size()) {
        const auto& source = order.sources[order.next_source];
        if (!source.is_peer) return fetch(d, source);
        if (try_peer(d, source)) return;
        ++order.next_source;
    }
    finish_order(d, code_of(FaultCode::unreachable_server), "no source has the image");
}

// A neighbour that is at it is waited for, as its bytes would come as it gets them. One that has
// not heard of the image yet gets as long as the Assignment says that one may still join.
bool Fleet::Impl::try_peer(DeviceNumber d, const Source& source) {
    auto& order = *devices[d].order;
    const auto peer = identities.at_peer_url(source.url);
    if (!peer || devices[*peer].is_lost) return false;
    const auto& neighbour = devices[*peer];
    if (neighbour.held == order.image && order.image != kNoImage) {
        copy(d, settings.peer_bps, true);
        return true;
    }
    bool is_at_it = neighbour.order && neighbour.order->image == order.image;
    if (is_at_it && neighbour.order->step == Step::choosing) {
        // Not two that wait for each other.
        const auto& theirs = *neighbour.order;
        is_at_it = theirs.next_source < theirs.sources.size() &&
                   identities.at_peer_url(theirs.sources[theirs.next_source].url) != d;
    }
    if (!is_at_it && steady_now() >= order.patient_until) return false;
    waiting_for[*peer].push_back(d);
    order.until = is_at_it ? steady_now() + order.starve_limit : order.patient_until;
    order.is_starving = is_at_it;
    return true;
}

// Whoever waits for this device looks again: it has the image, or never will.
void Fleet::Impl::wake_neighbours(DeviceNumber d) {
    const auto at = waiting_for.find(d);
    if (at == waiting_for.end()) return;
    const auto all = std::move(at->second);
    waiting_for.erase(at);
    for (const auto other : all) {
        const auto& order = devices[other].order;
        if (!order || order->step != Step::choosing) continue;
        order->until = Instant::never();
        order->is_starving = false;
        choose_source(other);
        set_due(other);
    }
}

// --- the image comes -----------------------------------------------------------------------------

void Fleet::Impl::fetch(DeviceNumber d, const Source& source) {
    auto& order = *devices[d].order;
    order.step = Step::fetching;
    order.until = Instant::never();
    if (settings.fetch == FetchMode::none) return copy(d, settings.fetch_bps, false);
    if (transfers.size() >= settings.fetches_at_once) return fetch_queue.push_back(d);
    auto& transfer = transfers[d];
    transfer = std::make_unique<Transfer>(io, tls, identities.source_address(d));
    transfer->fetch(source.url, {source.username, source.password}, order.length, settings.fetch,
                    settings.fetch_bps,
                    [this, d](auto result) { on_fetched(d, std::move(result)); });
}

void Fleet::Impl::begin_waiting_fetches() {
    while (!fetch_queue.empty() && transfers.size() < settings.fetches_at_once) {
        const auto d = fetch_queue.front();
        fetch_queue.pop_front();
        const auto& order = devices[d].order;
        if (!order) continue;
        if (order->step == Step::asking) begin_order(d);
        if (order->step == Step::fetching) fetch(d, order->sources[order->next_source]);
        set_due(d);
    }
}

void Fleet::Impl::on_fetched(DeviceNumber d, Result<std::uint64_t, TransferTrouble> result) {
    end_transfer(d);
    if (result) {
        tally.server_bytes += result.value();
        if (settings.fetch == FetchMode::head)
            copy(d, settings.fetch_bps, false);
        else
            copy(d, 0, false);
    } else {
        finish_order(d, result.error().code, result.error().why);
    }
    set_due(d);
    begin_waiting_fetches();
}

// The time that the bytes take which do not really come.
void Fleet::Impl::copy(DeviceNumber d, double bps, bool is_from_peer) {
    auto& device = devices[d];
    auto& order = *device.order;
    order.step = Step::copying;
    order.until = steady_now() + time_for(order.length, bps);
    if (is_from_peer) {
        ++tally.from_peers;
        ++device.from_peers;
        device.peer_bytes += order.length;
    } else {
        ++tally.from_servers;
        ++device.from_servers;
        device.server_bytes += order.length;
    }
}

void Fleet::Impl::have_image(DeviceNumber d) {
    auto& device = devices[d];
    auto& order = *device.order;
    const auto took = (steady_now() - order.began) / 1ms;
    device.fetch_ms = static_cast<std::uint32_t>(std::clamp<std::int64_t>(took, 1, UINT32_MAX));
    if (identities.is_agent(d)) device.held = order.image;
    wake_neighbours(d);
    if (order.kind != OrderKind::upgrade) return finish_order(d, 0, {});
    order.step = Step::installing;
    order.until = steady_now() + settings.install_time;
}

}  // namespace sluice::sim::fleet
