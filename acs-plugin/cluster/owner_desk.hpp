#pragma once
// The owner's side of the channel: another node's questions go to the desk and to the token book
// that its own devices go to, and are answered from there.

#include <functional>

#include "acs-plugin/cluster/channel.hpp"
#include "acs-plugin/cwmp/desk.hpp"
#include "acs-plugin/origin/token_book.hpp"

namespace sluice::cluster {

class OwnerDesk {
public:
    // All outlive it. `may_answer`: nobody else can own the store yet.
    OwnerDesk(cwmp::acs::Desk& desk, origin::TokenBook& tokens, std::function<bool()> may_answer,
              std::function<service::WallTime()> wall_time)
        : desk_(desk),
          tokens_(tokens),
          may_answer_(std::move(may_answer)),
          wall_time_(std::move(wall_time)) {}

    void on_question(const Message& question, ChannelServer::Reply reply);

private:
    void find(const Message& question, ChannelServer::Reply reply);
    void take_contact(const Message& question, ChannelServer::Reply reply);
    void take_transfer(const Message& question, ChannelServer::Reply reply);
    void give_order(const Message& question, ChannelServer::Reply reply);
    void take_answer(const Message& question, const ChannelServer::Reply& reply);
    void show_token(const Message& question, const ChannelServer::Reply& reply);
    void take_payload(const Message& question, const ChannelServer::Reply& reply);

    cwmp::acs::Desk& desk_;
    origin::TokenBook& tokens_;
    const std::function<bool()> may_answer_;
    const std::function<service::WallTime()> wall_time_;
};

}  // namespace sluice::cluster
