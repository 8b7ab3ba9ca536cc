// sluice-iad: safe upgrades of SNMP-managed devices (R3.6), the manager's side and the device's.

#include <cstdio>
#include <string_view>
#include <vector>

#include "acs-plugin/iad/device/device_command.hpp"
#include "acs-plugin/iad/station/backup_command.hpp"
#include "acs-plugin/iad/station/upgrade_command.hpp"

namespace {

constexpr const char* kUsage =
    "usage: sluice-iad COMMAND [options]\n"
    "\n"
    "Upgrades SNMP-managed devices (integrated access devices) safely: backup, upgrade, reset,\n"
    "restore, or back where they were (docs/SAFE-UPGRADE.md).\n"
    "\n"
    "Commands\n"
    "  device    on a device: the sub-agent of its snmpd that does what a manager orders\n"
    "  upgrade   at the server: upgrade devices, and show how far they are\n"
    "  answer    at the server: answer what a running upgrade asks\n"
    "  convert   at the server: try a conversion of a configuration out\n"
    "  backup    at the server: list, show and seal the configurations of a device\n"
    "\n"
    "'sluice-iad COMMAND --help' says more. Exit status: 0 done; 1 failed; 2 wrong use.\n";

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string_view> args(argv + 1, argv + argc);
    const auto command = args.empty() ? std::string_view() : args.front();
    const std::span<const std::string_view> rest(args.data() + (args.empty() ? 0 : 1),
                                                 args.empty() ? 0 : args.size() - 1);
    if (command == "device") return sluice::iad::device_command(rest);
    if (command == "upgrade") return sluice::iad::upgrade_command(rest);
    if (command == "answer") return sluice::iad::answer_command(rest);
    if (command == "convert") return sluice::iad::convert_command(rest);
    if (command == "backup") return sluice::iad::backup_command(rest);
    if (command == "--help") {
        std::fputs(kUsage, stdout);
        return 0;
    }
    if (command == "--version") {
        std::puts("sluice-iad " SLUICE_VERSION);
        return 0;
    }
    std::fprintf(stderr, "sluice-iad: %s\nTry 'sluice-iad --help'.\n",
                 command.empty() ? "a command is needed" : "unknown command");
    return 2;
}
