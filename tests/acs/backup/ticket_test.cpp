// Tokens and passwords: each node with the keys reads them, nobody else makes one.

#include <gmock/gmock.h>

#include "tests/acs/backup/locker_rig.hpp"

namespace sluice::backup {
namespace {

Claim a_claim(Way way) {
    Claim out;
    out.way = way;
    out.number = 0xfffffffe;
    out.expires = {1'772'366'400};
    out.tag = tag_of("00D09E-GW3-S1");
    if (way == Way::up)
        out.rollout = std::string(kMaxRollout, 'r');
    else
        out.backup = 0x123456789abcdef0;
    return out;
}

TEST(Ticket, IsReadByEveryNodeThatHasTheKeys) {
    for (const auto way : {Way::up, Way::down}) {
        const auto token = TicketBook(a_ring()).token(a_claim(way));
        EXPECT_LE(token.size(), 120u) << "URLs of orders have 256 characters at most";
        EXPECT_EQ(TicketBook(a_ring()).read(token), a_claim(way));
        EXPECT_EQ(TicketBook(a_ring(both_keys())).read(token), a_claim(way));
        EXPECT_EQ(TicketBook(a_ring(both_keys())).password(token),
                  TicketBook(a_ring()).password(token));
        EXPECT_EQ(TicketBook(a_ring("other:" + std::string(64, 'c'))).read(token), std::nullopt);
    }
}

TEST(Ticket, IsNoneWithAnotherCharacter) {
    const TicketBook book(a_ring());
    const auto token = book.token(a_claim(Way::up));
    for (std::size_t i = 0; i < token.size(); ++i) {
        auto other = token;
        other[i] = other[i] == 'A' ? 'B' : 'A';
        EXPECT_EQ(book.read(other), std::nullopt) << i;
        EXPECT_EQ(book.read(token.substr(0, i)), std::nullopt) << i;
    }
    EXPECT_EQ(book.read(token + "A"), std::nullopt);
    EXPECT_EQ(book.read(std::string(5000, 'A')), std::nullopt);
}

TEST(Ticket, HasAPasswordThatNoOtherTicketHas) {
    const TicketBook book(a_ring());
    auto claim = a_claim(Way::up);
    const auto first = book.password(book.token(claim));
    EXPECT_EQ(first.size(), 32u);
    claim.number = 1;
    EXPECT_NE(book.password(book.token(claim)), first);
    EXPECT_NE(book.token(claim).find_first_of("0123456789"), std::string::npos);
}

TEST(Ticket, IsFoundInATargetOfOursOnly) {
    const auto up = parse_door_target("/u/abc_-9/config.bin?serial=1");
    ASSERT_TRUE(up);
    EXPECT_EQ(up->way, Way::up);
    EXPECT_EQ(up->token, "abc_-9");
    EXPECT_EQ(parse_door_target("/c/abc/x")->way, Way::down);
    for (const auto* target : {"/u/abc", "/u//x", "/u/abc/", "/p/abc/x", "/u/a.b/x", "/u/abc/.x",
                               "/u/abc/x/y", "/u/a%41/x", "u/abc/x", ""})
        EXPECT_FALSE(parse_door_target(target)) << target;
    EXPECT_FALSE(parse_door_target("/u/abc/" + std::string(600, 'x')));
}

}  // namespace
}  // namespace sluice::backup
