#include "acs-plugin/iad/device/device_command.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>

#include "acs-plugin/iad/device/device.hpp"
#include "acs-plugin/iad/device/sub_agent.hpp"
#include "engine/net/log.hpp"
#include "engine/net/options.hpp"

namespace sluice::iad {
namespace {

constexpr net::OptionSpec kOptions[] = {
    {"agentx", "SOCKET", "snmpd's (default unix:/var/agentx/master)"},
    {"state", "DIR", "what must survive a power cut; of this program alone"},
    {"version-command", "CMD", "prints the version that runs"},
    {"kept-version-command", "CMD", "prints the version in the other slot"},
    {"health-command", "CMD", "exit status 0: the device is well (default: it is)"},
    {"backup-command", "CMD", "writes the configuration to \"$1\""},
    {"restore-command", "CMD", "uses the configuration in \"$1\""},
    {"install-command", "CMD", "puts the image in \"$1\" where the running one is not, durably"},
    {"reset-command", "CMD", "starts what was installed last"},
    {"roll-back-command", "CMD", "starts what was kept"},
    {"converters", "DIR", "programs that convert a configuration, stdin to stdout"},
    {"command-limit", "SECONDS", "for each of these commands (default 300)"},
    {"transfer-limit", "SECONDS", "for one file (default 3600)"},
    {"look-interval", "SECONDS", "how often the device is looked at (default 30)"},
    {"log-format", "text|json", "lines on stderr for people or for machines"},
};

constexpr const char* kUsage =
    "usage: sluice-iad device --state DIR [options]\n"
    "\n"
    "Upgrades this device as an SNMP manager tells it to (SLUICE-IAD-MIB): a sub-agent of the\n"
    "snmpd that runs here. Files go by TFTP or FTP; what only the vendor knows is done by the\n"
    "commands given.\n"
    "\n"
    "Options\n";
constexpr const char* kEpilogue =
    "\n"
    "Options can also stand in /etc/sluice/sluice-iad.toml (or --config FILE) and in the\n"
    "environment (SLUICE_STATE=...); flags win over the environment, the environment over the\n"
    "file.\n"
    "\n"
    "Exit status: 0 stopped by a signal; 1 failed; 2 wrong use.\n";

std::atomic<bool> is_stopped{false};

int wrong_use(const std::string& why) {
    std::fprintf(stderr, "sluice-iad: %s\nTry 'sluice-iad device --help'.\n", why.c_str());
    return 2;
}

struct Settings {
    DeviceOptions device;
    std::string socket;
    Duration look_interval{};
};

Result<Settings> settings_of(const net::Options& from) {
    Settings out;
    if (!from.has("state")) return Error{"--state is needed"};
    out.socket = from.has("agentx") ? from.text("agentx") : "unix:/var/agentx/master";
    out.device.state = from.text("state");
    auto& hooks = out.device.hooks;
    hooks.version = from.text("version-command");
    hooks.kept_version = from.text("kept-version-command");
    hooks.health = from.text("health-command");
    hooks.backup = from.text("backup-command");
    hooks.restore = from.text("restore-command");
    hooks.install = from.text("install-command");
    hooks.reset = from.text("reset-command");
    hooks.roll_back = from.text("roll-back-command");
    hooks.converters = from.text("converters");
    if (hooks.version.empty() || hooks.install.empty())
        return Error{"--version-command and --install-command are needed"};
    SLUICE_TRY(const auto command, from.number("command-limit", 300, 86'400));
    SLUICE_TRY(const auto transfer, from.number("transfer-limit", 3600, 86'400));
    SLUICE_TRY(const auto look, from.number("look-interval", 30, 86'400));
    out.device.hook_time = std::chrono::seconds(command);
    out.device.mover.time = std::chrono::seconds(transfer);
    out.look_interval = std::chrono::seconds(std::max<std::uint64_t>(look, 1));
    return out;
}

Result<void> run(Settings settings) {
    SubAgent* posts_to = nullptr;
    SLUICE_TRY(const auto device, Device::open(settings.device, [&](std::function<void()> work) {
                   posts_to->post(std::move(work));
               }));
    SLUICE_TRY(const auto agent, SubAgent::open(settings.socket, *device));
    posts_to = agent.get();
    const auto look_again = [&] { device->look([] {}); };
    device->on_outcome([&](const Outcome& outcome) {
        agent->notify(is_end(outcome.state) ? Notice::ended : Notice::progressed, outcome,
                      device->facts());
        if (is_end(outcome.state)) look_again();
    });
    device->look([&] {
        agent->notify(Notice::started, device->outcome(), device->facts());
        // What ended with the last process has not been told yet.
        if (is_end(device->outcome().state))
            agent->notify(Notice::ended, device->outcome(), device->facts());
        net::log_info("serving", {{"version", device->facts().version}});
    });
    auto looked = std::chrono::steady_clock::now();
    while (!is_stopped) {
        agent->serve(std::chrono::milliseconds(250));
        if (std::chrono::steady_clock::now() - looked < settings.look_interval) continue;
        looked = std::chrono::steady_clock::now();
        if (device->outcome().state != State::running) look_again();
    }
    return success();
}

}  // namespace

int device_command(std::span<const std::string_view> args) {
    if (std::ranges::find(args, "--help") != args.end()) {
        std::printf("%s%s%s", kUsage, net::describe(kOptions).c_str(), kEpilogue);
        return 0;
    }
    const auto options = net::Options::read("sluice-iad", args, kOptions);
    if (!options.has_value()) return wrong_use(options.error().message);
    auto settings = settings_of(options.value());
    if (!settings.has_value()) return wrong_use(settings.error().message);
    const auto format = net::parse_log_format(
        options.value().has("log-format") ? options.value().text("log-format") : "text");
    if (!format) return wrong_use("--log-format: text or json");
    net::open_log("sluice-iad", *format, net::LogLevel::info);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGTERM, [](int) { is_stopped = true; });
    std::signal(SIGINT, [](int) { is_stopped = true; });
    const auto done = run(std::move(settings.value()));
    if (done.has_value()) return 0;
    net::log(net::LogLevel::error, done.error().message);
    return 1;
}

}  // namespace sluice::iad
