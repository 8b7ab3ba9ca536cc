#pragma once
// The configuration of this device for everything that runs on the I/O thread: what the ACS brings
// is applied, what it wants is read, what a slot has is kept when the slot is left. The work is
// agent/configuration's and the vendor's commands', on a thread of its own, one after another.

#include <functional>
#include <memory>
#include <string>

#include "agent/configuration/configuration.hpp"
#include "agent/management/device_software.hpp"
#include "agent/management/transfer_fault.hpp"
#include "agent/worker.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::agent::management {

// VendorConfigFile.1.
struct ConfigurationFacts {
    std::string name, version;
    UtcTime date;
};

class Configurator {
public:
    // All outlive it.
    Configurator(boost::asio::io_context& io, disk::Disk& disk, const Settings& settings)
        : io_(io), disk_(disk), settings_(settings), software_(disk, settings) {}

    // Before the I/O thread runs, with the software's version. Blocks. `is_reset`: a factory reset
    // was ordered, and all is forgotten.
    Result<void> open(const std::string& software_version, bool is_reset);

    const ConfigurationFacts& facts() const { return facts_; }

    // Each `then` is called once, on the I/O thread; in the order of the calls.
    using Then = std::function<void(const Result<void>&)>;
    using Done = std::function<void(const Result<void, TransferFault>&)>;
    using Read = std::function<void(const Result<std::string, TransferFault>&)>;

    // First. The slot's configuration is in use then, or an error says why not.
    void booted(install::Slot running, bool may_other_have_run, Then then);
    void leave(bool is_image_new, Then then);
    void forget(Then then);
    void apply(std::string bytes, configuration::Label label, Done then);
    void read(Read then);
    // What convert-command makes of it is kept, across reboots, until the next.
    void convert(std::string bytes, std::string name, Done then);
    void read_converted(Read then);

private:
    Result<void> forget_all();
    // `job` on the worker, `then` with its result on the I/O thread.
    template <class Job, class Told>
    void run(Job job, Told then);

    boost::asio::io_context& io_;
    disk::Disk& disk_;
    const Settings& settings_;
    DeviceSoftware software_;
    std::unique_ptr<configuration::Configuration> kept_;  // the worker's
    ConfigurationFacts facts_;
    std::unique_ptr<Worker> worker_;  // last: its jobs use the rest
};

}  // namespace sluice::agent::management
