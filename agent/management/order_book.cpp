#include "agent/management/order_book.hpp"

#include <algorithm>

#include "engine/base/rng.hpp"
#include "engine/base/utc.hpp"
#include "engine/net/url.hpp"

namespace sluice::agent::management {
namespace {

using cwmp::FaultCode;

constexpr std::uint32_t kLongestDelay = 30 * 24 * 3600;

constexpr std::uint32_t kLongestWindow = 30 * 24 * 3600;
constexpr std::uint32_t kSpreadFrom = 60;  // seconds; shorter windows begin at their start

// "X <OUI> Sluice Stage", whosever OUI the operator chose.
bool is_ours(std::string_view file_type, std::string_view end) {
    return file_type.starts_with("X ") && file_type.ends_with(end);
}

std::optional<OrderKind> kind_of(std::string_view file_type) {
    if (file_type.starts_with("1 ")) return OrderKind::upgrade;
    if (file_type.starts_with("3 ")) return OrderKind::configure;
    if (is_ours(file_type, " Sluice Stage")) return OrderKind::stage;
    if (is_ours(file_type, " Sluice Convert")) return OrderKind::convert;
    return std::nullopt;
}

std::optional<OrderKind> upload_kind_of(std::string_view file_type) {
    constexpr std::string_view kOfInstance = "3 Vendor Configuration File";
    if (file_type == "1 Vendor Configuration File" || file_type == kOfInstance ||
        file_type == std::string(kOfInstance) + " 1")
        return OrderKind::upload;
    if (is_ours(file_type, " Sluice Converted")) return OrderKind::upload_converted;
    return std::nullopt;
}

std::optional<WindowMode> mode_of(std::string_view text) {
    if (text.starts_with("1 ")) return WindowMode::at_any_time;
    if (text.starts_with("2 ")) return WindowMode::immediately;
    if (text.starts_with("3 ")) return WindowMode::when_idle;
    return std::nullopt;  // "4 Confirmation Needed": nobody is there to be asked
}

cwmp::Fault fault(FaultCode code, std::string why) {
    return {code_of(code), std::move(why), {}};
}

bool is_http(std::string_view url) {
    return url.starts_with("http://") || url.starts_with("https://");
}

cwmp::Fault unknown_type(const std::string& file_type) {
    return fault(FaultCode::invalid_arguments, "FileType " + file_type + " is unknown");
}

// What every transfer RPC has to get right. An empty URL is the caller's to judge.
template <class Request>
std::optional<cwmp::Fault> refusal(const Request& request) {
    if (request.command_key.size() > 32)
        return fault(FaultCode::invalid_arguments, "CommandKey is longer than 32 characters");
    if constexpr (requires { request.delay_seconds; })
        if (request.delay_seconds > kLongestDelay)
            return fault(FaultCode::invalid_arguments, "DelaySeconds is more than 30 days");
    if (request.url.empty()) return std::nullopt;
    if (!is_http(request.url))
        return fault(FaultCode::unsupported_protocol, "URL is neither http nor https");
    if (const auto url = net::parse_url(request.url); !url)
        return fault(FaultCode::invalid_arguments, url.error().message);
    return std::nullopt;
}

std::optional<cwmp::Fault> refusal(const std::vector<cwmp::TimeWindow>& windows) {
    const auto wrong = [](const char* why) { return fault(FaultCode::invalid_arguments, why); };
    if (windows.empty() || windows.size() > 2) return wrong("one or two windows");
    for (const auto& window : windows) {
        if (window.start >= window.end) return wrong("a window ends before it starts");
        if (window.end > kLongestWindow) return wrong("a window ends after more than 30 days");
        if (!mode_of(window.mode)) return wrong("WindowMode is none that this device has");
        if (window.max_retries < -1) return wrong("MaxRetries is below -1");
    }
    if (windows.size() == 2 && windows[1].start < windows[0].end) return wrong("windows overlap");
    return std::nullopt;
}

template <class Request>
Order order_of(const Request& request, OrderKind kind, UtcTime now) {
    Order order;
    order.kind = kind;
    order.command_key = request.command_key;
    order.url = request.url;
    order.username = request.username;
    order.password = request.password;
    if constexpr (requires { request.target_file_name; }) {
        order.target_file_name = request.target_file_name;
        order.file_size = request.file_size;
    }
    order.received = order.not_before = now;
    if constexpr (requires { request.delay_seconds; })
        order.not_before.seconds += request.delay_seconds;
    return order;
}

// Taken, or known already: `response`. `complete` is called before the order is put down.
template <class Response, class Complete>
cwmp::Message enter(cwmp::TransferKind kind, Order order, const Response& response,
                    DeviceState& state, Complete complete) {
    switch (state.events.take_order(kind, order.command_key)) {
        case cwmp::OrderTaking::known:
            return response;
        case cwmp::OrderTaking::full:
            return fault(FaultCode::resources_exceeded, "too many transfers are queued");
        case cwmp::OrderTaking::taken:
            break;
    }
    order.number = state.next_order++;
    complete(order);
    state.orders.push_back(std::move(order));
    return response;
}

OrderWindow window_of(const cwmp::TimeWindow& said, std::uint64_t seed, UtcTime now) {
    OrderWindow out;
    out.mode = *mode_of(said.mode);
    out.most_retries = std::min<std::int32_t>(said.max_retries, 1000);
    const auto length = said.end - said.start;
    const bool is_spread = out.mode == WindowMode::at_any_time && length >= kSpreadFrom;
    const auto shift = is_spread ? seed % (length / 4) : 0;
    out.start.seconds = now.seconds + said.start + static_cast<std::int64_t>(shift);
    out.end.seconds = now.seconds + said.end;
    return out;
}

}  // namespace

cwmp::Message take_download(const cwmp::Download& request, DeviceModel& model, DeviceState& state,
                            UtcTime now) {
    const auto kind = kind_of(request.file_type);
    if (!kind) return unknown_type(request.file_type);
    if (const auto refused = refusal(request)) return *refused;
    const bool is_image = kind == OrderKind::upgrade || kind == OrderKind::stage;
    if (kind == OrderKind::convert && !model.can_convert())
        return fault(FaultCode::request_denied, "this device has no convert-command");
    // Before the order is taken, for a refused one takes nothing.
    if (request.url.empty() && !(is_image && model.has_download_place()))
        return fault(FaultCode::invalid_arguments,
                     "URL is empty, and neither MasterURL nor AssignmentURL is set");
    return enter(cwmp::TransferKind::download, order_of(request, *kind, now),
                 cwmp::DownloadResponse{1, std::string(kNoTime), std::string(kNoTime)}, state,
                 [&](Order& order) {
                     if (!is_image) return;
                     order.assignment_url = model.take_assignment_url();
                     auto master = model.take_master_url();
                     if (order.url.empty()) order.url = std::move(master);
                 });
}

cwmp::Message take_upload(const cwmp::Upload& request, DeviceState& state, UtcTime now) {
    const auto kind = upload_kind_of(request.file_type);
    if (!kind) return unknown_type(request.file_type);
    if (const auto refused = refusal(request)) return *refused;
    if (request.url.empty()) return fault(FaultCode::invalid_arguments, "URL is empty");
    return enter(cwmp::TransferKind::upload, order_of(request, *kind, now),
                 cwmp::UploadResponse{1, std::string(kNoTime), std::string(kNoTime)}, state,
                 [](Order&) {});
}

cwmp::Message take_schedule(const cwmp::ScheduleDownload& request, const DeviceModel& model,
                            DeviceState& state, UtcTime now) {
    const auto kind = kind_of(request.file_type);
    if (!kind || kind == OrderKind::convert) return unknown_type(request.file_type);
    if (const auto refused = refusal(request)) return *refused;
    if (const auto refused = refusal(request.windows)) return *refused;
    if (request.url.empty()) return fault(FaultCode::invalid_arguments, "URL is empty");
    const auto seed = seed_of(model.id().serial_number + "/" + request.command_key);
    return enter(cwmp::TransferKind::schedule_download, order_of(request, *kind, now),
                 cwmp::ScheduleDownloadResponse{}, state, [&](Order& order) {
                     order.has_windows = true;
                     for (const auto& window : request.windows)
                         order.windows.push_back(window_of(window, seed, now));
                     order.not_before = order.windows.front().start;
                 });
}

const Order* order_to_cancel(std::string_view command_key, const DeviceState& state) {
    const auto at = std::find_if(state.orders.begin(), state.orders.end(), [&](const Order& o) {
        return o.command_key == command_key && o.phase == OrderPhase::waiting;
    });
    return at == state.orders.end() ? nullptr : &*at;
}

// Transfers of a kind under way that share a key, the empty one, are as good as one another.
void undo_order(std::uint32_t number, DeviceState& state) {
    const auto* order = find_order(state, number);
    if (order == nullptr) return;
    (void)state.events.withdraw(transfer_of(*order), order->command_key);
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
        events.finish(transfer_of(order), order.command_key, fault, received, format_utc(now));
        return;
    }
    // A key may be empty, and another order's too: its own result tells when it came.
    cwmp::TransferComplete told;
    told.command_key = order.command_key;
    told.start_time = received;
    told.fault = fault;
    told.complete_time = format_utc(now);
    events.correct(transfer_of(order), told);
}

void forget_order(DeviceState& state, std::uint32_t number) {
    std::erase_if(state.orders, [&](const Order& o) { return o.number == number; });
}

}  // namespace sluice::agent::management
