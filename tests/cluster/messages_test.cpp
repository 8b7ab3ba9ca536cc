// The values that nodes send one another: back as they were, and nothing taken that is not what it
// says it is.

#include "acs-plugin/cluster/messages.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/base/rng.hpp"

namespace sluice::cluster {
namespace {

service::Contact a_contact() {
    service::Contact out;
    out.report.oui = "00D09E";
    out.report.serial = "S1";
    out.report.site = {inventory::SiteSource::gateway, "home"};
    out.report.cpu_percent = 12.5;
    out.report.uplink_bps = 10'000'000;
    out.report.file_server = inventory::parse_endpoint("http://10.0.0.2:7547").value();
    out.report.kind = inventory::DeviceKind::agent;
    out.evidence.source_address = "192.0.2.1";
    out.connection_url = "http://192.0.2.1:7547/";
    out.time_zone = "CET-1CEST,M3.5.0,M10.5.0/3";
    out.peer_bytes = ~std::uint64_t{0};
    out.is_boot = true;
    return out;
}

service::DownloadOrder a_download() {
    service::DownloadOrder out;
    out.command_key = "a1b2";
    out.url = "http://origin/p/t/f.bin";
    out.file_size = 5;
    return out;
}

std::vector<std::pair<const char*, Message>> all_messages() {
    service::DeviceRow row;
    row.identity = "00D09E-S1";
    row.last_seen = {-1};
    service::ImageRow image;
    image.id = "ab";
    image.length = 77;
    service::Grant grant;
    grant.rollout = "r";
    grant.max_origin_bps = 8;
    return {{"contact", to_message(a_contact())},
            {"row", to_message(row)},
            {"download", to_message(service::DeviceOrder(a_download()))},
            {"cancel", to_message(service::DeviceOrder(service::CancelOrder{"a1b2"}))},
            {"upload", to_message(service::DeviceOrder(
                           service::UploadOrder{"u1", "http://a/u", "d", "p", "1 X"}))},
            {"reboot", to_message(service::DeviceOrder(service::RebootOrder{"r1"}))},
            {"set", to_message(service::DeviceOrder(
                        service::SetOrder{"s1", {{"Device.A", "1"}, {"Device.B", ""}}}))},
            {"read", to_message(service::DeviceOrder(
                         service::ReadOrder{"q1", {"Device.A", "Device.B."}, true}))},
            {"answer", to_message(service::OrderAnswer{"a1b2", true, 9018, "digest"})},
            {"answer",
             to_message(service::OrderAnswer{"q1", true, 0, "", {{"Device.A", "1"}}, {"Upload"}})},
            {"grant", to_message(grant)},
            {"image", to_message(image)}};
}

// As `name` says; what was read, said again.
template <class Value>
std::optional<Message> said_again(const Message& message) {
    Value value;
    if (!read(message, value)) return std::nullopt;
    return to_message(value);
}
std::optional<Message> said_again(const std::string& name, const Message& message) {
    if (name == "contact") return said_again<service::Contact>(message);
    if (name == "row") return said_again<service::DeviceRow>(message);
    if (name == "answer") return said_again<service::OrderAnswer>(message);
    if (name == "grant") return said_again<service::Grant>(message);
    if (name == "image") return said_again<service::ImageRow>(message);
    return said_again<service::DeviceOrder>(message);
}

TEST(Messages, ComeBackAsTheyWereSaidThroughAFrame) {
    for (const auto& [name, message] : all_messages()) {
        const auto heard = from_frame(to_frame(message));
        ASSERT_TRUE(heard) << name;
        EXPECT_EQ(said_again(name, *heard), message) << name;
    }
}

TEST(Messages, WithAFieldOfAnotherKindAreRefused) {
    for (const auto& [name, message] : all_messages())
        for (const auto& [key, value] : message.items()) {
            if (key == "cancel") continue;  // then it is a download that says nothing
            auto wrong = message;
            wrong[key] = Message::array({1});
            EXPECT_EQ(said_again(name, wrong), std::nullopt) << name << "." << key;
        }
}

TEST(Messages, WithoutAFieldKeepItsDefault) {
    for (const auto& [name, message] : all_messages())
        for (const auto& [key, value] : message.items()) {
            auto less = message;
            less.erase(key);
            EXPECT_TRUE(said_again(name, less)) << name << "." << key;
        }
}

TEST(Messages, WithNumbersThatDoNotFitAreRefused) {
    auto answer = to_message(service::OrderAnswer{"a1b2", true, 1, ""});
    for (const auto& wrong : {Message(-1), Message(std::uint64_t{1} << 40), Message(1.5)}) {
        answer["fault"] = wrong;
        EXPECT_EQ(said_again("answer", answer), std::nullopt) << wrong;
    }
    auto contact = to_message(a_contact());
    contact["kind"] = 200;
    EXPECT_EQ(said_again("contact", contact), std::nullopt);
    contact = to_message(a_contact());
    contact["server"] = "not an address";
    EXPECT_EQ(said_again("contact", contact), std::nullopt);
}

// Each frame with bytes changed, cut and added: heard as something or as nothing, and what is heard
// can be said again.
TEST(Frames, ThatWereDamagedAreHeardOrNot) {
    const auto all = all_messages();
    Rng rng(20261122);
    std::size_t heard = 0;
    for (int round = 0; round < 20'000; ++round) {
        const auto& [name, message] = all[static_cast<std::size_t>(round % 7)];
        auto frame = to_frame(message);
        for (auto left = 1 + rng.below(3); left > 0; --left) {
            const auto at = static_cast<std::size_t>(rng.below(frame.size()));
            const auto kind = rng.below(4);
            if (kind == 0) frame.resize(at + 1);
            if (kind == 1) frame.insert(at, 1, static_cast<char>(rng.below(256)));
            if (kind > 1) frame[at] = static_cast<char>(rng.below(256));
        }
        const auto damaged = from_frame(frame);
        heard += damaged && said_again(name, *damaged) ? 1 : 0;
    }
    EXPECT_GT(heard, 1000u);
    EXPECT_LT(heard, 19'000u);
}

}  // namespace
}  // namespace sluice::cluster
