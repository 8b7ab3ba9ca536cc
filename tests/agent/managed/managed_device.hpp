#pragma once
// One device under a scripted ACS: its folder, its image of version 1 in slot a, a signed image of
// version 2 that an origin serves, and the real `sluice-agent run` in a process of its own.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/image/ed25519.hpp"
#include "engine/planning/plan.hpp"
#include "tests/agent/fetch/agent_process.hpp"
#include "tests/agent/fetch/test_origin.hpp"
#include "tests/agent/managed/test_acs.hpp"
#include "tests/agent/store/test_image.hpp"

namespace sluice::tests {

class ManagedDevice {
public:
    explicit ManagedDevice(TlsFiles tls = {}, std::uint64_t image_bytes = 256 * 1024);
    ~ManagedDevice();

    TestOrigin origin;
    TestAcs acs;
    const agent::TestImage factory, image;

    const std::string& folder() const { return folder_; }
    std::string log() const { return folder_ + "/log"; }
    std::string report() const { return folder_ + "/report.jsonl"; }
    std::string store() const { return folder_ + "/store"; }
    std::string said() const { return read_text(log()); }
    std::string slot(char letter) const { return folder_ + "/slots/" + letter + ".img"; }
    // Whole and right: what a boot loader would start.
    std::string booting_version() const;

    // Lines of the configuration file, over the usual ones; an empty value takes one away.
    void set(const std::string& key, const std::string& value) { options_[key] = value; }
    // RLIMIT_FSIZE, as good as a full disk.
    void limit_files_to(std::uint64_t bytes) { file_limit_ = bytes; }
    void start();
    AgentProcess& process() { return *process_; }
    void kill();

    // The image's Assignment at the ACS, and the order that leads there.
    planning::Assignment assignment() const;
    std::string manifest(const std::string& version = "2.0", UtcTime expires = {}) const;
    void publish(const planning::Assignment& assignment);
    void withdraw();
    cwmp::Download download(const std::string& key, const std::string& file_type) const;
    cwmp::Download upgrade(const std::string& key) const {
        return download(key, "1 Firmware Upgrade Image");
    }
    cwmp::Download stage(const std::string& key) const {
        return download(key, "X 00D09E Sluice Stage");
    }
    // The device is called, as an ACS would; the status.
    int call() const;

private:
    std::string folder_;
    std::vector<image::SigningKey> keys_;
    std::map<std::string, std::string> options_;
    std::uint64_t file_limit_ = 0;
    std::optional<AgentProcess> process_;
};

}  // namespace sluice::tests
