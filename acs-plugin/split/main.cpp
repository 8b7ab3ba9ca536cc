// sluice-split: keeps collection servers' sessions apart from the ITMS's (R4), on nftables.

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "acs-plugin/split/run.hpp"
#include "acs-plugin/split/status.hpp"
#include "acs-plugin/split/watch.hpp"
#include "engine/net/log.hpp"

namespace {

using namespace sluice;
using namespace sluice::split;
using Args = std::span<const std::string_view>;

constexpr std::size_t kRecordsShown = 20;

constexpr const char* kUsage =
    "usage: sluice-split COMMAND [options]\n"
    "\n"
    "A CPE that a collection server wakes by a connection request reports to that server; every\n"
    "other session goes to the ITMS as ever. This machine routes between the three sides; the\n"
    "kernel does the work, by rules in a table of its own (docs/SPLITTER.md).\n"
    "\n"
    "Commands\n"
    "  run        put the rules in place and keep them there; SIGHUP reads the configuration "
    "again\n"
    "  check      look the configuration over, print the rules, change nothing\n"
    "  status     what the tables hold, how old it is, and what was counted\n"
    "  flush      forget every activation and report; established connections live on\n"
    "  uninstall  take the rules away\n"
    "\n"
    "Options\n"
    "  --config FILE                read options from this TOML file, not /etc/sluice/split.toml\n";
constexpr const char* kEpilogue =
    "\n"
    "Every option is also a key of the file, and SLUICE_<OPTION> in the environment. Flags win "
    "over\n"
    "the environment, the environment over the file. Lists are separated by spaces or commas.\n"
    "\n"
    "Exit status: 0 done; 1 failed, or status finds no rules; 2 wrong use.\n";

int failed(const Error& error) {
    std::fprintf(stderr, "sluice-split: %s\n", error.message.c_str());
    return 1;
}

int wrong_use(const std::string& why) {
    std::fprintf(stderr, "sluice-split: %s\nTry 'sluice-split --help'.\n", why.c_str());
    return 2;
}

Result<int> check(const Configuration& configuration) {
    SLUICE_CHECK(check_machine(configuration.settings));
    const auto rules = make_ruleset(configuration.settings);
    std::fputs(rules.c_str(), stdout);
    for (const auto& line : doubts(configuration.settings))
        std::fprintf(stderr, "sluice-split: %s\n", line.c_str());
    SLUICE_TRY(auto nft, Nft::open());
    SLUICE_CHECK(nft.try_out(rules));
    return 0;
}

Result<int> status(const Configuration& configuration) {
    SLUICE_TRY(auto nft, Nft::open());
    KernelTable table(nft, configuration.settings);
    SLUICE_TRY(const auto status, table.look());
    const auto text = configuration.is_json
                          ? status_json(status, configuration.settings)
                          : status_text(status, configuration.settings, kRecordsShown);
    std::fputs(text.c_str(), stdout);
    return status.state.is_there ? 0 : 1;
}

Result<int> flush(const Configuration& configuration) {
    SLUICE_TRY(auto nft, Nft::open());
    SLUICE_CHECK(KernelTable(nft, configuration.settings).flush());
    return 0;
}

Result<int> uninstall(const Configuration& configuration) {
    SLUICE_TRY(auto nft, Nft::open());
    // One at work would put them back.
    SLUICE_TRY(const auto lock, RunLock::take(configuration.settings.table));
    SLUICE_CHECK(KernelTable(nft, configuration.settings).remove());
    return 0;
}

int run_until_stopped(const Configuration& configuration, Args args) {
    net::open_log("sluice-split", *net::parse_log_format(configuration.log_format),
                  *net::parse_log_level(configuration.log_level));
    const auto done = split::run(configuration, [args]() -> Result<Configuration> {
        SLUICE_TRY(auto fresh, read_configuration(args));
        SLUICE_CHECK(check_machine(fresh.settings));
        return fresh;
    });
    return done ? 0 : failed(done.error());
}

int dispatch(std::string_view command, Args args) {
    using Command = Result<int> (*)(const Configuration&);
    const std::pair<std::string_view, Command> commands[] = {
        {"check", check}, {"status", status}, {"flush", flush}, {"uninstall", uninstall}};
    const auto* found =
        std::ranges::find_if(commands, [=](const auto& known) { return known.first == command; });
    if (command != "run" && found == std::end(commands))
        return wrong_use("unknown command '" + std::string(command.substr(0, 64)) + "'");
    const auto configuration = read_configuration(args);
    if (!configuration) return wrong_use(configuration.error().message);
    if (command == "run") return run_until_stopped(configuration.value(), args);
    const auto code = found->second(configuration.value());
    return code ? code.value() : failed(code.error());
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string_view> args(argv + 1, argv + argc);
    const auto is_help = [](std::string_view arg) { return arg == "--help" || arg == "-h"; };
    if (std::ranges::any_of(args, is_help)) {
        std::fputs((kUsage + net::describe(configuration_options()) + kEpilogue).c_str(), stdout);
        return 0;
    }
    if (args.empty()) return wrong_use("no command given");
    if (args.front() == "--version") {
        std::puts("sluice-split " SLUICE_VERSION);
        return 0;
    }
    return dispatch(args.front(), {args.data() + 1, args.size() - 1});
}
