// What an origin tells the owner of payload it sent: all of it, in messages that the owner can
// bound.

#include <nlohmann/json.hpp>

#include "acs-plugin/cluster/owner_desk.hpp"
#include "acs-plugin/cluster/remote_tokens.hpp"
#include "tests/cluster/two_nodes.hpp"

namespace sluice::cluster {
namespace {

service::Grant grant_of(int number) {
    service::Grant out;
    out.rollout = "r";
    out.site = "site " + std::to_string(number);
    return out;
}

TEST_F(TwoNodes, PayloadIsToldWholeInMessagesOfBoundedSize) {
    std::size_t largest = 0;
    std::uint64_t bytes = 0, requests = 0, most_requests = 0;
    answer = [&](const Message& message, const ChannelServer::Reply& reply) {
        largest = std::max(largest, message["sent"].size());
        for (const auto& each : message["sent"]) {
            bytes += number_of(each, "bytes");
            requests += number_of(each, "requests");
            most_requests = std::max(most_requests, number_of(each, "requests"));
        }
        reply(Message::object());
    };
    open_channel();
    RemoteTokens tokens(io, channel);
    for (int i = 0; i < 2500; ++i) tokens.on_payload(grant_of(i), 10, true);
    for (int i = 0; i < 250; ++i) tokens.on_payload(grant_of(7), 0, true);
    run_until([&] { return bytes >= 25'000 && requests >= 2750; });
    EXPECT_EQ(bytes, 25'000u);
    EXPECT_EQ(requests, 2750u);
    EXPECT_LE(largest, kMaxAccounts);
    EXPECT_LE(most_requests, kMaxRequests);
}

class CountingTokens final : public origin::TokenBook {
public:
    std::optional<service::Grant> grant(std::string_view) const override { return {}; }
    bool is_over(std::string_view) const override { return false; }
    Result<std::string> assignment(std::string_view, service::WallTime) override {
        return std::string();
    }
    const service::ImageRow* image(std::string_view) const override { return nullptr; }
    bool on_payload(const service::Grant&, std::uint64_t bytes, bool) override {
        ++calls;
        told += bytes;
        return true;
    }
    std::uint64_t calls = 0, told = 0;
};

class NoDesk final : public cwmp::acs::Desk {
public:
    void find(const std::string&, std::function<void(Found)>) override {}
    void on_contact(const service::Contact&, std::function<void(Told)>) override {}
    void on_transfer_complete(const std::string&, const std::string&, std::uint32_t,
                              const std::string&, std::function<void(bool)>) override {}
    void next_order(const std::string&, std::function<void(Order)>) override {}
    void on_order_answer(const std::string&, const service::OrderAnswer&) override {}
};

TEST(OwnerDesk, CountsNoMoreRequestsThanAMessageMayTellOf) {
    NoDesk desk;
    CountingTokens tokens;
    OwnerDesk owner(
        desk, tokens, [] { return true; }, [] { return service::WallTime{}; });
    auto account = to_message(grant_of(1));
    account["bytes"] = 5u;
    account["requests"] = ~std::uint64_t{0};
    bool is_answered = false;
    owner.on_question({{"what", "payload"}, {"sent", Message::array({account, 7, nullptr})}},
                      [&](const Message&) { is_answered = true; });
    EXPECT_TRUE(is_answered);
    EXPECT_EQ(tokens.told, 5u);
    EXPECT_EQ(tokens.calls, kMaxRequests);
}

}  // namespace
}  // namespace sluice::cluster
