#pragma once
// This device's software as agent/configuration sees it: the vendor's commands, or where there are
// none a file that the software reads. Blocks; the configurator's worker.

#include "agent/configuration/configuration.hpp"
#include "agent/management/settings.hpp"

namespace sluice::agent::management {

class DeviceSoftware final : public configuration::Software {
public:
    // Both outlive it.
    DeviceSoftware(disk::Disk& disk, const Settings& settings) : disk_(disk), settings_(settings) {}

    Result<void> apply(const std::string& path, ByteView bytes) override;
    Result<std::optional<Bytes>> current() override;
    // The factory's own again, where that is ours to do: commands have the vendor's reset.
    Result<void> reset();
    // By convert-command, which must be there. `name` is its SLUICE_NAME.
    Result<Bytes> convert(ByteView bytes, const std::string& name);

    std::string version;  // of the running software, for the commands

private:
    disk::Disk& disk_;
    const Settings& settings_;
};

}  // namespace sluice::agent::management
