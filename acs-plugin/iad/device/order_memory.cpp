#include "acs-plugin/iad/device/order_memory.hpp"

#include <nlohmann/json.hpp>

namespace sluice::iad {
namespace {

std::string text_of(const nlohmann::json& from, const char* key) {
    const auto found = from.find(key);
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}
std::uint32_t number_of(const nlohmann::json& from, const char* key) {
    const auto found = from.find(key);
    return found != from.end() && found->is_number_unsigned() ? found->get<std::uint32_t>() : 0;
}

bool needs_file(Command command) {
    return command != Command::reset && command != Command::roll_back;
}

bool is_well_formed(const Order& order, const FileServer& server) {
    if (order.number == 0 || order.command == Command::none) return false;
    if (needs_file(order.command) && (!is_file_name(order.file) || server.host.empty()))
        return false;
    return order.command != Command::convert || is_file_name(order.source);
}

}  // namespace

Result<OrderMemory> OrderMemory::open(ByteView kept, Keep keep) {
    OrderMemory out(std::move(keep));
    if (!kept.empty()) SLUICE_CHECK(out.read(kept));
    auto& is = out.outcome_;
    if (is.state == State::running) {
        const bool is_start = !needs_file(is.command);
        is.state = is_start ? State::done : State::failed;
        if (!is_start) is.reason = "the device started again";
        is.progress = is_start ? 100 : is.progress;
    }
    SLUICE_CHECK(out.write(out.order_, is));
    return out;
}

Result<void> OrderMemory::read(ByteView kept) {
    const auto json = nlohmann::json::parse(kept.begin(), kept.end(), nullptr, false);
    const auto command = json.is_object() ? number_of(json, "command") : 0;
    const auto state = json.is_object() ? number_of(json, "state") : 0;
    if (!json.is_object() || command >= kCommandNames.size() ||
        state > static_cast<std::uint32_t>(State::refused))
        return Error{"is not what this program wrote"};
    order_.number = outcome_.number = number_of(json, "number");
    order_.command = outcome_.command = static_cast<Command>(command);
    order_.file = text_of(json, "file");
    outcome_.state = static_cast<State>(state);
    outcome_.progress = number_of(json, "progress");
    outcome_.reason = text_of(json, "reason");
    outcome_.length = number_of(json, "length");
    outcome_.digest = from_hex(text_of(json, "digest")).value_or(Bytes{});
    return success();
}

Result<void> OrderMemory::write(const Order& order, const Outcome& outcome) const {
    const nlohmann::json json = {
        {"number", order.number},       {"command", static_cast<std::uint32_t>(order.command)},
        {"file", order.file},           {"state", static_cast<std::uint32_t>(outcome.state)},
        {"progress", outcome.progress}, {"reason", outcome.reason},
        {"length", outcome.length},     {"digest", to_hex(outcome.digest)}};
    const auto text = json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    return keep_(as_bytes(text));
}

Taken OrderMemory::take(const Order& order, const FileServer& server) {
    if (order.number != 0 && order.number == order_.number && order.command != Command::none)
        return Taken::repeated;
    if (order.number != 0 && order.command != Command::none && outcome_.state == State::running)
        return Taken::busy;
    if (!is_well_formed(order, server)) return Taken::malformed;
    const Outcome begun{order.number, order.command, State::running, 0, {}, 0, {}};
    if (!write(order, begun)) return Taken::busy;  // the manager tries again
    order_ = order;
    outcome_ = begun;
    return Taken::begun;
}

void OrderMemory::progress(std::uint32_t percent) {
    if (outcome_.state == State::running) outcome_.progress = percent;
}

Result<void> OrderMemory::end(Outcome outcome) {
    outcome_ = std::move(outcome);
    auto kept = write(order_, outcome_);
    if (!kept.has_value()) {
        outcome_.state = State::failed;
        outcome_.reason = kept.error().message.substr(0, kMaxReason);
    }
    return kept;
}

}  // namespace sluice::iad
