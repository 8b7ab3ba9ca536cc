#pragma once
// The desk on a node that does not own the store: every question goes to the owner. Questions of
// one device stay in their order, as the channel keeps it.

#include "acs-plugin/cluster/channel.hpp"
#include "acs-plugin/cwmp/desk.hpp"

namespace sluice::cluster {

class RemoteDesk final : public cwmp::acs::Desk {
public:
    explicit RemoteDesk(Channel& channel) : channel_(channel) {}  // outlives it

    void find(const std::string& identity, std::function<void(Found)> then) override;
    void on_contact(const service::Contact& contact, std::function<void(Told)> then) override;
    void on_transfer_complete(const std::string& identity, const std::string& command_key,
                              std::uint32_t fault, const std::string& why,
                              std::function<void(bool)> recorded) override;
    void next_order(const std::string& identity, std::function<void(Order)> give) override;
    void on_order_answer(const std::string& identity, const service::OrderAnswer& answer) override;

private:
    Channel& channel_;
};

}  // namespace sluice::cluster
