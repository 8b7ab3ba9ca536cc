#include "acs-plugin/iad/device/work.hpp"

#include <limits>
#include <unistd.h>

#include "acs-plugin/conversion/program.hpp"
#include "acs-plugin/iad/files.hpp"

namespace sluice::iad {
namespace {

constexpr const char* kConfiguration = "configuration";
constexpr const char* kIncoming = "incoming";
constexpr std::size_t kMaxConfiguration = 4 * 1024 * 1024;

}  // namespace

Work::Work(const DeviceOptions& options, std::function<void(std::uint32_t)> on_progress,
           const std::atomic<bool>& is_stopped)
    : options_(options),
      mover_(options.mover, [told = std::move(on_progress), &is_stopped](std::uint32_t percent) {
          told(percent);
          return !is_stopped.load();
      }) {}

Outcome Work::carry_out(const Order& order, const FileServer& server) {
    is_refusal_ = false;
    auto done = do_it(order, server);
    Outcome out;
    if (done.has_value()) {
        out = std::move(done.value());
        out.state = State::done;
        out.progress = 100;
    } else {
        out.state = is_refusal_ ? State::refused : State::failed;
        out.reason = done.error().message.substr(0, kMaxReason);
    }
    out.number = order.number;
    out.command = order.command;
    ::unlink(path(kIncoming).c_str());
    return out;
}

Result<Outcome> Work::do_it(const Order& order, const FileServer& server) {
    const auto& hooks = options_.hooks;
    switch (order.command) {
        case Command::backup:
            return back_up(order, server);
        case Command::upgrade:
            SLUICE_CHECK(fetch(order, server));
            SLUICE_CHECK(call("install", hooks.install, {path(kIncoming)}));
            return Outcome{};
        case Command::restore:
            SLUICE_CHECK(fetch(order, server));
            SLUICE_CHECK(call("restore", hooks.restore, {path(kIncoming)}));
            return Outcome{};
        case Command::reset:
            SLUICE_CHECK(call("reset", hooks.reset, {}));
            return Outcome{};
        case Command::roll_back:
            SLUICE_CHECK(call("roll-back", hooks.roll_back, {}));
            return Outcome{};
        case Command::convert:
            return convert(order, server);
        case Command::none:
            break;
    }
    is_refusal_ = true;
    return Error{"nothing was ordered"};
}

Result<Outcome> Work::back_up(const Order& order, const FileServer& server) {
    SLUICE_CHECK(call("backup", options_.hooks.backup, {path(kConfiguration)}));
    return send(order, server);
}

Result<Outcome> Work::convert(const Order& order, const FileServer& server) {
    const auto program = options_.hooks.converters + "/" + order.program;
    const bool is_ours =
        order.program.find('/') == std::string::npos && is_file_name(order.program);
    if (!is_ours || ::access(program.c_str(), X_OK) != 0) {
        is_refusal_ = true;
        return Error{"convert: this device has no program '" + order.program + "'"};
    }
    SLUICE_CHECK(mover_.fetch(server, order.source, 0, path(kIncoming)));
    SLUICE_TRY(const auto from, read_whole(path(kIncoming), kMaxConfiguration));
    SLUICE_TRY(const auto printed,
               conversion::run_program("exec \"$1\"", {program}, as_text(from),
                                       {.time = options_.hook_time, .output = kMaxConfiguration}));
    if (printed.status != 0)
        return Error{"convert: " + order.program + " ended with " + std::to_string(printed.status) +
                     ": " + printed.complaint};
    SLUICE_CHECK(write_durably(path(kConfiguration), as_bytes(printed.output)));
    return send(order, server);
}

Result<Outcome> Work::send(const Order& order, const FileServer& server) {
    SLUICE_TRY(const auto sum, sum_of(path(kConfiguration)));
    if (sum.length == 0 || sum.length > kMaxConfiguration)
        return Error{"a configuration of " + std::to_string(sum.length) + " bytes"};
    SLUICE_CHECK(mover_.send(server, order.file, path(kConfiguration)));
    Outcome out;
    out.length = static_cast<std::uint32_t>(sum.length);
    out.digest = sum.digest;
    return out;
}

// Durable, and what was announced, before anybody uses it.
Result<void> Work::fetch(const Order& order, const FileServer& server) {
    SLUICE_CHECK(mover_.fetch(server, order.file, order.length, path(kIncoming)));
    SLUICE_TRY(const auto sum, sum_of(path(kIncoming)));
    if (!order.digest.empty() && sum.digest != order.digest)
        return Error{order.file + ": is not the file that was announced: SHA-256 " +
                     to_hex(sum.digest)};
    return sync_file(path(kIncoming));
}

Result<void> Work::call(const std::string& name, const std::string& hook,
                        const std::vector<std::string>& arguments) {
    if (hook.empty()) {
        is_refusal_ = true;
        return Error{name + ": this device has no program for it"};
    }
    SLUICE_TRY(const auto printed,
               conversion::run_program(hook, arguments, {}, {.time = options_.hook_time}));
    if (printed.status == 0) return success();
    return Error{name + ": ended with " + std::to_string(printed.status) +
                 (printed.complaint.empty() ? "" : ": " + printed.complaint)};
}

std::string Work::first_line(const std::string& hook) {
    if (hook.empty()) return {};
    const auto printed = conversion::run_program(hook, {}, {}, {.time = options_.hook_time});
    if (!printed.has_value() || printed.value().status != 0) return {};
    const auto& text = printed.value().output;
    return text.substr(0, std::min<std::size_t>(text.find('\n'), kMaxReason));
}

Facts Work::look() {
    Facts out;
    out.version = first_line(options_.hooks.version);
    out.kept_version = first_line(options_.hooks.kept_version);
    out.keeps_image = !options_.hooks.roll_back.empty();
    out.is_healthy =
        call("health", options_.hooks.health, {}).has_value() || options_.hooks.health.empty();
    if (call("backup", options_.hooks.backup, {path("look")}).has_value()) {
        const auto sum = sum_of(path("look"));
        if (sum.has_value() && sum.value().length > 0) out.configuration = sum.value().digest;
    }
    return out;
}

}  // namespace sluice::iad
