#pragma once
// Programs of others that we run: a vendor's hooks on a device, a conversion at the server. By the
// shell, in a process group of its own that is killed when its time is over; what it prints is
// bounded. Blocking: not on the thread that talks SNMP.

#include <string>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace sluice::conversion {

struct ProgramLimits {
    Duration time = std::chrono::minutes(5);
    std::size_t output = 4 * 1024 * 1024;  // of stdout; more is an error
    bool has_network = true;               // false: a network namespace of its own, or it fails
    int stop = -1;                         // readable: its time is over at once
};

struct Printed {
    int status = 0;  // exit status; 128 + signal
    std::string output;
    std::string complaint;  // the last line of stderr, for people
};

// `command` may use "$1"…, which are `arguments`. Its stdin is `input`.
Result<Printed> run_program(const std::string& command, const std::vector<std::string>& arguments,
                            std::string_view input, const ProgramLimits& limits);

}  // namespace sluice::conversion
