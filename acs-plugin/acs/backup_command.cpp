#include "acs-plugin/acs/backup_command.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

#include "acs-plugin/store/backup.hpp"

namespace sluice::acs {
namespace {

int wrong_use(const std::string& name, const std::string& why) {
    std::fprintf(stderr, "%s backup: %s\nTry '%s backup --help'.\n", name.c_str(), why.c_str(),
                 name.c_str());
    return 2;
}

void print_help(const std::string& name) {
    std::printf(
        "usage: %s backup --to FILE [--store FILE] [--config FILE]\n"
        "\n"
        "Copies one moment of the store to FILE, which must not be there yet, while %s works\n"
        "on it; FILE can take the store's place (docs/STORAGE.md). --store, as for the program\n"
        "itself, may stand in its configuration. A store on PostgreSQL is backed up by pg_dump.\n"
        "\n"
        "Exit status: 0 it is on the medium; 1 failed; 2 wrong use.\n",
        name.c_str(), name.c_str());
}

}  // namespace

int backup_command(Program program, std::span<const std::string_view> args) {
    const std::string name(name_of(program));
    if (std::ranges::any_of(args, [](auto arg) { return arg == "--help" || arg == "-h"; })) {
        print_help(name);
        return 0;
    }
    // The program's own configuration names the store: what else it says is none of ours.
    const auto own = acs_options(program);
    std::vector<net::OptionSpec> table(own.begin(), own.end());
    table.push_back({"to", "FILE", "the copy"});
    const auto options = net::Options::read(name, args, table);
    if (!options.has_value()) return wrong_use(name, options.error().message);
    const auto& from = options.value();
    if (!from.has("to")) return wrong_use(name, "--to: is needed");
    if (from.has("db"))
        return wrong_use(name, "--db: a store on PostgreSQL is backed up by pg_dump");
    if (!from.has("store")) return wrong_use(name, "--store: is needed");
    const auto done = store::back_up(from.text("store"), from.text("to"));
    if (done.has_value()) return 0;
    std::fprintf(stderr, "%s backup: %s\n", name.c_str(), done.error().message.c_str());
    return 1;
}

}  // namespace sluice::acs
