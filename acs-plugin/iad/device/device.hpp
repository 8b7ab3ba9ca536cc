#pragma once
// A device that is upgraded by SNMP, behind its sub-agent: takes orders, moves the files, calls the
// vendor's own programs for what only the vendor knows, and says how far it is. One order at a
// time, each once: the last order and its outcome are kept on the medium before they are told, so
// that after a power cut the manager hears what became of it.
//
// Threads: all calls from one; the work is done on a worker of its own, which only posts.

#include <functional>
#include <memory>
#include <string>

#include "acs-plugin/iad/device/order_memory.hpp"
#include "acs-plugin/iad/mover.hpp"
#include "acs-plugin/iad/words.hpp"
#include "engine/base/result.hpp"

namespace sluice::iad {

// Shell commands. What they fetch or write is "$1".
struct Hooks {
    std::string version;       // prints the version that runs
    std::string kept_version;  // prints that of the other slot; empty: keeps none
    std::string health;        // exit status 0: healthy. Empty: always
    std::string backup;        // writes the configuration to "$1"
    std::string restore;       // uses the configuration in "$1": whole, or the one before
    std::string install;       // puts the image in "$1" where the running one is not, durably
    std::string reset;         // starts what was installed last
    std::string roll_back;     // starts what was kept
    std::string converters;    // a folder of programs: stdin to stdout (R3.5)
};

struct DeviceOptions {
    std::string state;  // folder, of this program alone
    Hooks hooks;
    MoverLimits mover;
    Duration hook_time = std::chrono::minutes(5);
};

class Device {
public:
    // `post` hands work to the caller's thread. What was under way when the last process ended is
    // settled here: a reset came to its end, anything else failed.
    static Result<std::unique_ptr<Device>> open(DeviceOptions options,
                                                std::function<void(std::function<void()>)> post);
    ~Device();  // waits for the worker, whose transfer is stopped
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    // `on_outcome` is called for what begins, moves on by a percent, and ends.
    void on_outcome(std::function<void(const Outcome&)> told);
    // Looks at the device again, off this thread; `told` is called when facts() are other ones.
    void look(std::function<void()> told);

    Taken take(const Order& order, const FileServer& server);
    const Order& order() const;
    const Outcome& outcome() const;
    const Facts& facts() const;

private:
    struct Impl;
    explicit Device(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::iad
