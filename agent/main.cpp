// sluice-agent: what runs on one CPE. Finds the command and keeps the process small.

#include <csignal>
#include <cstdio>
#include <malloc.h>
#include <pthread.h>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "agent/fetch_command.hpp"
#include "agent/management/run_command.hpp"
#ifdef SLUICE_WITH_SWARM
#include "agent/swarm/session.hpp"
#endif

namespace {

constexpr const char* kUsage =
    "usage: sluice-agent COMMAND [options]\n"
    "\n"
    "The part of Sluice that runs on a device: fetches firmware piece by piece from neighbours\n"
    "and the origin, verifies it, passes it on, installs it.\n"
    "\n"
    "Commands\n"
    "  run        run the device under its ACS (TR-069)\n"
    "  fetch      fetch, verify, serve and install what an Assignment orders\n"
    "\n"
    "Options\n"
    "  --help     this text; 'sluice-agent COMMAND --help' tells about a command\n"
    "  --version  the version\n";

// A gateway has 32 to 256 MiB for everything: one arena for all threads, large blocks given back
// at once, stacks no larger than our threads need.
void be_thrifty() {
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 64 * 1024);
    mallopt(M_TRIM_THRESHOLD, 128 * 1024);
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return;
    pthread_attr_setstacksize(&attributes, 256 * 1024);
    pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
#endif
}

}  // namespace

int main(int argc, char** argv) {
    be_thrifty();
    // A file at its size limit is an error for whoever writes it, not the end of the agent.
    std::signal(SIGXFSZ, SIG_IGN);
#ifdef SLUICE_WITH_SWARM
    sluice::agent::swarm_by(sluice::agent::swarm::join);
#endif
    const std::vector<std::string_view> args(argv + 1, argv + argc);
    const auto command = args.empty() ? std::string_view() : args.front();
    if (command == "--help" || command == "-h") {
        std::fputs(kUsage, stdout);
        return 0;
    }
    if (command == "--version") {
        std::puts("sluice-agent " SLUICE_VERSION);
        return 0;
    }
    if (command == "fetch") {
        return sluice::agent::fetch_command({args.data() + 1, args.size() - 1});
    }
    if (command == "run") {
        return sluice::agent::management::run_command({args.data() + 1, args.size() - 1});
    }
    if (command.empty()) {
        std::fputs("sluice-agent: no command given\n", stderr);
    } else {
        std::fprintf(stderr, "sluice-agent: unknown command '%.*s'\n",
                     static_cast<int>(command.size()), command.data());
    }
    std::fputs("Try 'sluice-agent --help'.\n", stderr);
    return 2;
}
