#pragma once
// How a command of `sluice` ends. A command's callback does its work as Result<void> functions and
// hands the outcome to finish(); wrong use that the parser cannot see ends with wrong_use(). main()
// turns both into one line on stderr and the exit code: 0, 1 (failed), 2 (wrong use).

#include <string>

#include "engine/base/result.hpp"

namespace CLI {
class App;
}

namespace sluice::cli {

inline constexpr int kExitFailed = 1;
inline constexpr int kExitWrongUse = 2;

// Thrown through the parser, caught in main(): the one exception of ours, because a callback of
// CLI11 has no other way to say that it failed.
struct CommandFailed {
    std::string message;
    int exit_code;
};

void finish(const Result<void>& outcome);
[[noreturn]] void wrong_use(std::string message);

// Parses, runs, reports; the exit code.
int run(CLI::App& app, int argc, const char* const* argv);

}  // namespace sluice::cli
