#include "agent/management/order_book.hpp"

#include <algorithm>

#include "engine/base/utc.hpp"
#include "engine/net/url.hpp"

namespace sluice::agent::management {
namespace {

using cwmp::FaultCode;

constexpr std::uint32_t kLongestDelay = 30 * 24 * 3600;

std::optional<OrderKind> kind_of(std::string_view file_type) {
    if (file_type.starts_with("1 ")) return OrderKind::upgrade;
    if (file_type.starts_with("3 ")) return OrderKind::configure;
    // "X <OUI> Sluice Stage", whosever OUI the operator chose.
    if (file_type.starts_with("X ") && file_type.ends_with(" Sluice Stage"))
        return OrderKind::stage;
    return std::nullopt;
}

cwmp::Fault fault(FaultCode code, std::string why) {
    return {code_of(code), std::move(why), {}};
}

bool is_http(std::string_view url) {
    return url.starts_with("http://") || url.starts_with("https://");
}

std::optional<cwmp::Fault> refusal(const cwmp::Download& request) {
    if (!kind_of(request.file_type))
        return fault(FaultCode::invalid_arguments, "FileType " + request.file_type + " is unknown");
    if (request.command_key.size() > 32)
        return fault(FaultCode::invalid_arguments, "CommandKey is longer than 32 characters");
    if (request.delay_seconds > kLongestDelay)
        return fault(FaultCode::invalid_arguments, "DelaySeconds is more than 30 days");
    if (request.url.empty()) return std::nullopt;
    if (!is_http(request.url))
        return fault(FaultCode::unsupported_protocol, "URL is neither http nor https");
    if (const auto url = net::parse_url(request.url); !url)
        return fault(FaultCode::invalid_arguments, url.error().message);
    return std::nullopt;
}

}  // namespace

cwmp::Message take_download(const cwmp::Download& request, DeviceModel& model, DeviceState& state,
                            UtcTime now) {
    const cwmp::DownloadResponse later{1, std::string(kNoTime), std::string(kNoTime)};
    if (const auto refused = refusal(request)) return *refused;
    // Before the order is taken, for a refused one takes nothing.
    const bool has_place = !request.url.empty() || model.has_download_place();
    if (!has_place)
        return fault(FaultCode::invalid_arguments,
                     "URL is empty, and neither MasterURL nor AssignmentURL is set");
    switch (state.events.take_order(cwmp::TransferKind::download, request.command_key)) {
        case cwmp::OrderTaking::known:
            return later;
        case cwmp::OrderTaking::full:
            return fault(FaultCode::resources_exceeded, "too many transfers are queued");
        case cwmp::OrderTaking::taken:
            break;
    }
    Order order;
    order.number = state.next_order++;
    order.kind = *kind_of(request.file_type);
    order.command_key = request.command_key;
    order.url = request.url;
    order.username = request.username;
    order.password = request.password;
    order.target_file_name = request.target_file_name;
    order.file_size = request.file_size;
    order.received = now;
    order.not_before = UtcTime{now.seconds + request.delay_seconds};
    if (order.kind != OrderKind::configure) {
        order.assignment_url = model.take_assignment_url();
        auto master = model.take_master_url();
        if (order.url.empty()) order.url = std::move(master);
    }
    state.orders.push_back(std::move(order));
    return later;
}

bool take_back(std::string_view command_key, DeviceState& state) {
    const auto at = std::find_if(state.orders.begin(), state.orders.end(), [&](const Order& o) {
        return o.command_key == command_key && o.phase == OrderPhase::waiting;
    });
    if (at == state.orders.end() || !state.events.withdraw(command_key)) return false;
    state.orders.erase(at);
    return true;
}

// Transfers under way that share a key, the empty one, are as good as one another.
void undo_download(std::uint32_t number, DeviceState& state) {
    const auto* order = find_order(state, number);
    if (order == nullptr) return;
    (void)state.events.withdraw(order->command_key);
    forget_order(state, number);
}

Order* find_order(DeviceState& state, std::uint32_t number) {
    const auto at = std::find_if(state.orders.begin(), state.orders.end(),
                                 [&](const Order& o) { return o.number == number; });
    return at == state.orders.end() ? nullptr : &*at;
}

Order* find_upgrade_under_way(DeviceState& state) {
    const auto at = std::find_if(state.orders.begin(), state.orders.end(),
                                 [&](const Order& o) { return o.phase != OrderPhase::waiting; });
    return at == state.orders.end() ? nullptr : &*at;
}

void set_result(DeviceState& state, const Order& order, const cwmp::FaultStruct& fault,
                UtcTime now) {
    const auto received = format_utc(order.received);
    auto& events = state.events;
    if (order.phase != OrderPhase::trial) {
        events.finish(order.command_key, fault, received, format_utc(now));
        return;
    }
    // A key may be empty, and another order's too: its own result tells when it came.
    cwmp::TransferComplete told;
    told.command_key = order.command_key;
    told.start_time = received;
    told.fault = fault;
    told.complete_time = format_utc(now);
    events.correct(told);
}

void forget_order(DeviceState& state, std::uint32_t number) {
    std::erase_if(state.orders, [&](const Order& o) { return o.number == number; });
}

}  // namespace sluice::agent::management
