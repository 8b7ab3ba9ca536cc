#include "engine/split/ruleset.hpp"

#include <gmock/gmock.h>

#include "tests/split/a_splitter.hpp"

namespace sluice::split {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Ruleset, ReplacesItsTableInOneTransactionAndTouchesNoOther) {
    const auto rules = make_ruleset(a_lab());
    EXPECT_THAT(rules, testing::StartsWith("table inet sluice_split\n"
                                           "delete table inet sluice_split\n"
                                           "table inet sluice_split {\n"));
    auto renamed = a_lab();
    renamed.table = "other";
    EXPECT_THAT(make_ruleset(renamed), Not(HasSubstr("sluice_split")));
}

TEST(Ruleset, WritesTheRowsOfTheModeOnly) {
    auto settings = a_lab();
    const auto activates_at_syn_ack =
        "tcp flags & (fin | syn | rst | ack) == syn | ack ip saddr . ip daddr . tcp dport "
        "@activating4 ip saddr != @activated_10_3_0_11 update @activated_10_3_0_10 "
        "{ ip saddr timeout 120000ms } counter name activations";
    const auto activates_at_fin =
        "tcp flags & (fin | rst) == fin ip daddr . ip saddr . tcp sport @activating4 "
        "ip daddr != @activated_10_3_0_11 update @activated_10_3_0_10 "
        "{ ip daddr timeout 120000ms } counter name activations";
    EXPECT_THAT(make_ruleset(settings), HasSubstr(activates_at_syn_ack));
    EXPECT_THAT(make_ruleset(settings), Not(HasSubstr(activates_at_fin)));
    settings.mode = Mode::patent;
    EXPECT_THAT(make_ruleset(settings), Not(HasSubstr(activates_at_syn_ack)));
    EXPECT_THAT(make_ruleset(settings), HasSubstr(activates_at_fin));
}

TEST(Ruleset, TurnsAReportOnlyWhereItCouldBeRemembered) {
    EXPECT_THAT(make_ruleset(a_lab()),
                HasSubstr("ip saddr @activated_10_3_0_10 update @reports4 "
                          "{ ip saddr . tcp sport timeout 30000ms } counter name turned "
                          "dnat ip to 10.3.0.10\n"));
}

TEST(Ruleset, NamesInterfacesWhereTheyAreGiven) {
    auto settings = a_lab();
    EXPECT_THAT(make_ruleset(settings), Not(HasSubstr("iifname")));
    settings.cpe_interface = "br-cpe";
    EXPECT_THAT(make_ruleset(settings), HasSubstr("iifname \"br-cpe\" ip saddr"));
}

TEST(Ruleset, LeavesOutAFamilyThatHasNoServersOrNoCpes) {
    auto settings = a_lab();
    EXPECT_THAT(make_ruleset(settings), HasSubstr("ip6 "));
    settings.cpe_networks = {inventory::parse_prefix("10.64.0.0/10").value()};
    EXPECT_THAT(make_ruleset(settings), Not(HasSubstr("ip6 ")));
    EXPECT_THAT(make_ruleset(settings), HasSubstr("ip saddr { 10.64.0.0/10 }"));
}

TEST(Ruleset, HasANameThatChangesWithAnythingThatMatters) {
    const auto name = ruleset_name(a_lab());
    EXPECT_EQ(ruleset_name(a_lab()), name);
    EXPECT_THAT(make_ruleset(a_lab()), HasSubstr("chain " + name + " { }"));
    auto other = a_lab();
    other.lives.linger = 31s;
    EXPECT_NE(ruleset_name(other), name);
    other = a_lab();
    other.report_ports.push_back(443);
    EXPECT_NE(ruleset_name(other), name);
}

TEST(Ruleset, DeclaresEverySetThatHoldsRecords) {
    const auto rules = make_ruleset(a_lab());
    const auto sets = record_sets(a_lab());
    EXPECT_EQ(sets.size(), 7u);
    for (const auto& set : sets) EXPECT_THAT(rules, HasSubstr("set " + set.name + " {"));
}

}  // namespace
}  // namespace sluice::split
