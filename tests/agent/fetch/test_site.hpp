#pragma once
// One site for process tests: a folder with an image, its keys and manifest, an origin that serves
// it, and the command lines of agents. Device i is at 127.0.77.(i+1), on a port that was free.

#include <string>
#include <vector>

#include "engine/planning/plan.hpp"
#include "tests/agent/fetch/agent_process.hpp"
#include "tests/agent/fetch/test_origin.hpp"
#include "tests/agent/store/test_image.hpp"

namespace sluice::tests {

class TestSite {
public:
    explicit TestSite(std::uint64_t image_bytes = 4 << 20, std::uint32_t piece_length = 16 * 1024);
    ~TestSite();

    TestOrigin origin;
    const agent::TestImage image;

    std::string folder(int device) const;
    std::string report(int device) const { return folder(device) + "/report.jsonl"; }
    std::string log(int device) const { return folder(device) + "/log"; }
    // Whole and right in the device's store.
    bool has_image(int device) const;
    std::string image_path(int device) const;

    // An Assignment without sources; master's budget, serving terms.
    planning::Assignment assignment(int device, planning::Role role) const;
    planning::Source from_origin() const;
    // Credentials of `device` at `server`, good for a day.
    planning::Source from_peer(int server, int device) const;

    // The arguments of one agent that listens; its Assignment is written for it.
    std::vector<std::string> arguments(int device, const planning::Assignment& order,
                                       const std::vector<std::string>& more = {}) const;
    AgentProcess start(int device, const planning::Assignment& order,
                       const std::vector<std::string>& more = {}) const;
    void write_device(const std::string& hardware_version) const;

private:
    std::string address(int device) const;

    std::string folder_;
    std::string manifest_;
    std::vector<std::uint16_t> ports_;
};

inline planning::Assignment with_sources(planning::Assignment order,
                                         std::vector<planning::Source> sources) {
    order.sources = std::move(sources);
    return order;
}

inline planning::Assignment master(const TestSite& site) {
    return with_sources(site.assignment(0, planning::Role::master), {site.from_origin()});
}

}  // namespace sluice::tests
