// An owner that answers as no owner should: whoever asked is told that it is away, or that it did
// not do what it was asked, and never that all is well.

#include <gmock/gmock.h>

#include "acs-plugin/cluster/remote_counter.hpp"
#include "acs-plugin/cluster/remote_desk.hpp"
#include "acs-plugin/cluster/remote_tokens.hpp"
#include "tests/cluster/stand_in.hpp"
#include "tests/cluster/two_nodes.hpp"

namespace sluice::cluster {
namespace {

using cwmp::acs::Desk;
using cwmp::acs::DeskWord;

class HostileOwner : public testing::Test {
protected:
    // Everything that a front asks, of an owner that says this to each question.
    struct Heard {
        DeskWord found = DeskWord::taken, told = DeskWord::taken, ordered = DeskWord::taken;
        bool is_row = false, is_order = false, is_recorded = true, is_token_known = true;
        backup::Word kept = backup::Word::done, given = backup::Word::done;
    };

    Heard heard_of(StandIn::Says says, bool cuts = false) {
        StandIn owner(io, kSecret, std::move(says), cuts);
        Channel channel(io, make_tls(kSecret), {}, 200ms);
        channel.set_owner(owner.address());
        run_until(io, [&] { return channel.is_open(); });
        RemoteDesk desk(channel);
        RemoteTokens tokens(io, channel);
        RemoteCounter counter(channel);
        Heard out;
        int left = 7;
        const auto ask = [&](auto question) {
            run_until(io, [&] { return channel.is_open(); });
            const auto before = left;
            question();
            run_until(io, [&] { return left < before; });
        };
        ask([&] {
            desk.find("00D09E-1", [&](const Desk::Found& found) {
                --left, out.found = found.word, out.is_row = found.row.has_value();
            });
        });
        ask([&] { desk.on_contact({}, [&](const Desk::Told& t) { --left, out.told = t.word; }); });
        ask([&] {
            desk.on_transfer_complete("00D09E-1", "k", 0, "",
                                      [&](bool is) { --left, out.is_recorded = is; });
        });
        ask([&] {
            desk.next_order("00D09E-1", [&](const Desk::Order& order) {
                --left, out.ordered = order.word, out.is_order = order.order.has_value();
            });
        });
        ask([&] { tokens.prepare("t", true, [&](bool is) { --left, out.is_token_known = is; }); });
        ask([&] {
            counter.put({}, "00D09E-1", "bytes", [&](backup::Word w) { --left, out.kept = w; });
        });
        ask([&] {
            counter.get({}, "00D09E-1", [&](backup::Word w, const Bytes& bytes) {
                --left, out.given = w;
                EXPECT_TRUE(bytes.empty());
            });
        });
        return out;
    }
    static void expect_nothing_done(const Heard& heard) {
        EXPECT_FALSE(heard.is_row);
        EXPECT_FALSE(heard.is_order);
        EXPECT_FALSE(heard.is_recorded);
        EXPECT_NE(heard.kept, backup::Word::done);
        EXPECT_NE(heard.given, backup::Word::done);
    }
    static void expect_away(const Heard& heard) {
        expect_nothing_done(heard);
        EXPECT_EQ(heard.found, DeskWord::away);
        EXPECT_EQ(heard.told, DeskWord::away);
        EXPECT_EQ(heard.ordered, DeskWord::away);
        EXPECT_FALSE(heard.is_token_known);
        EXPECT_EQ(heard.kept, backup::Word::away);
    }

    boost::asio::io_context io;
};

std::string answer_to(const Message& question, Message with) {
    with["answer"] = question["ask"];
    return wired(with);
}

TEST_F(HostileOwner, ThatBreaksOffInTheMiddleOfAnAnswerIsAway) {
    expect_away(heard_of([](const Message&) { return wired("half of it", 1000); }, true));
}

TEST_F(HostileOwner, ThatAnnouncesMoreThanAFrameMayHaveIsAway) {
    expect_away(heard_of([](const Message&) { return wired("", kMaxFrame + 1); }));
    expect_away(heard_of([](const Message&) { return wired("", 0xffffffff); }));
}

TEST_F(HostileOwner, ThatSaysWhatNobodyCanReadIsAway) {
    std::string deep(5000, '\x81');  // lists in lists
    for (const auto& frame : {std::string("\xff\xff"), std::string(), std::string(100, '\0'), deep})
        expect_away(heard_of([&](const Message&) {
            return wired(frame, static_cast<std::uint32_t>(frame.size()));
        }));
}

TEST_F(HostileOwner, ThatSaysNothingOrDripsIsAwayInTime) {
    expect_away(heard_of([](const Message&) { return std::string(); }));
    expect_away(heard_of([](const Message&) { return std::string(1, '\0'); }));
    // It answers questions that nobody asked, and so on without end.
    expect_away(heard_of([](const Message&) {
        std::string out;
        for (unsigned i = 1000; i < 1100; ++i) out += wired(Message{{"answer", i}});
        return out;
    }));
}

TEST_F(HostileOwner, WhoseWordsAreOfTheWrongKindDidNothing) {
    const Message wrong[] = {
        7,       "text",
        nullptr, Message::array({1}),
        true,    Message{{"identity", 5}, {"key", 5}, {"rollout", 5}, {"id", 5}}};
    for (const auto& each : wrong) {
        const auto heard = heard_of([&](const Message& question) {
            auto out = Message::object();
            for (const auto* name : {"row", "order", "grant", "image", "word", "bytes", "refused"})
                out[name] = each;
            out["recorded"] = 1;
            return answer_to(question, std::move(out));
        });
        SCOPED_TRACE(each.dump());
        expect_nothing_done(heard);
        EXPECT_EQ(heard.found, DeskWord::away);
        EXPECT_NE(heard.told, DeskWord::taken);
        EXPECT_EQ(heard.ordered, DeskWord::away);
        EXPECT_FALSE(heard.is_token_known);
    }
}

TEST_F(HostileOwner, ThatGivesMoreThanAConfigurationMayHaveGaveNothing) {
    const auto heard = heard_of([](const Message& question) {
        Message out{{"word", 0u}, {"recorded", false}, {"refused", "no"}};
        out["bytes"] = Message::binary(std::vector<std::uint8_t>(backup::kMaxBackup + 1));
        return answer_to(question, std::move(out));
    });
    EXPECT_EQ(heard.given, backup::Word::failed);
    EXPECT_EQ(heard.told, DeskWord::refused);
}

}  // namespace
}  // namespace sluice::cluster
