#pragma once
// Devices' configurations on a node that does not own the store: what a device brings to its door
// goes to the owner whole, and is acknowledged when the owner has it on its medium; what a device
// fetches comes from there. The claim was checked where the device came.

#include <functional>
#include <string>

#include "acs-plugin/backup/counter.hpp"
#include "acs-plugin/cluster/channel.hpp"

namespace sluice::cluster {

class RemoteCounter final : public backup::Counter {
public:
    explicit RemoteCounter(Channel& channel) : channel_(channel) {}  // outlives it

    void put(const backup::Claim& claim, const std::string& identity, std::string bytes,
             std::function<void(backup::Word)> done) override;
    void get(const backup::Claim& claim, const std::string& identity,
             std::function<void(backup::Word, Bytes)> done) override;

private:
    Channel& channel_;
};

// The owner's side: false where the question is about something else. `counter` null: it keeps no
// configurations.
bool answer_counter(backup::Counter* counter, const Message& question,
                    const ChannelServer::Reply& reply);

}  // namespace sluice::cluster
