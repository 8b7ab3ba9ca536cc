#pragma once
// The device's side of SLUICE-IAD-MIB: an AgentX sub-agent (RFC 2741) of the snmpd that the device
// runs anyway. Who may read and write is that snmpd's business: its users, views and communities.
//
// Net-SNMP's agent is one a process; so is this.

#include <functional>
#include <memory>
#include <string>

#include "acs-plugin/iad/device/device.hpp"
#include "acs-plugin/iad/words.hpp"
#include "engine/base/result.hpp"

namespace sluice::iad {

class SubAgent {
public:
    // `socket`: the master's, "unix:/var/agentx/master" or "tcp:127.0.0.1:705". It need not be
    // there yet: the sub-agent goes on trying.
    static Result<std::unique_ptr<SubAgent>> open(const std::string& socket, Device& device);
    ~SubAgent();
    SubAgent(const SubAgent&) = delete;
    SubAgent& operator=(const SubAgent&) = delete;

    void notify(Notice what, const Outcome& outcome, const Facts& facts);

    // Serves requests until post()ed work is there or `wait` is over; then does that work.
    void serve(Duration wait);
    void post(std::function<void()> work);  // from any thread

    struct Impl;

private:
    explicit SubAgent(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::iad
