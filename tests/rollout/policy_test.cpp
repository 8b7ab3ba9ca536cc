// The tables: times, faults, names, canaries.

#include "engine/rollout/policy.hpp"

#include <gtest/gtest.h>

#include "engine/rollout/canaries.hpp"

namespace sluice::rollout {
namespace {

using inventory::DeviceKind;

TEST(Policy, RefusesWhatCouldNotWork) {
    EXPECT_TRUE(check(Policy{}).has_value());
    Policy p;
    p.max_attempts = 0;
    EXPECT_FALSE(check(p).has_value());
    p = {};
    p.order_timeout = {};
    EXPECT_FALSE(check(p).has_value());
    p = {};
    p.commit_timeout = {};
    EXPECT_FALSE(check(p).has_value());
}

TEST(Policy, BacksOffTwiceAsLongEachTimeUpToALimit) {
    const Policy p;
    EXPECT_EQ(back_off(p, 1), 15s);
    EXPECT_EQ(back_off(p, 2), 30s);
    EXPECT_EQ(back_off(p, 3), 60s);
    EXPECT_EQ(back_off(p, 8), 1920s);
    EXPECT_EQ(back_off(p, 9), 1h);
    EXPECT_EQ(back_off(p, 4'000'000'000), 1h);
}

TEST(Policy, TriesAgainWhatMayGoBetter) {
    struct {
        std::uint32_t fault;
        bool agent, plain;
    } const cases[] = {{9000, false, false}, {9001, true, true}, {9002, true, true},
                       {9003, false, true},  {9004, true, true}, {9006, false, false},
                       {9010, true, true},   {9012, true, true}, {9015, true, true},
                       {9016, true, true},   {9017, true, true}, {9018, true, true},
                       {9019, false, false}, {9020, true, true}, {1, true, true}};
    for (const auto& c : cases) {
        EXPECT_EQ(is_worth_retrying(c.fault, DeviceKind::agent), c.agent) << c.fault;
        EXPECT_EQ(is_worth_retrying(c.fault, DeviceKind::plain), c.plain) << c.fault;
    }
}

TEST(States, HaveANameEachThatLeadsBack) {
    for (const auto name : kStateNames) EXPECT_EQ(name_of(state_named(name).value()), name);
    EXPECT_FALSE(state_named("Done"));
    EXPECT_TRUE(is_final(State::done) && is_final(State::cancelled));
    EXPECT_FALSE(is_final(State::cancelling));
}

TEST(Canaries, OpenCloseAndGiveUp) {
    Canaries c;
    const ModelNumber m{1};
    const SiteKind k{1};
    using Word = Canaries::Word;
    EXPECT_EQ(c.ask(m, k, 2), Word::may_go);
    c.on_proof(m, k, Proof::none, Proof::trying);
    EXPECT_EQ(c.ask(m, k, 2), Word::may_go);
    c.on_proof(m, k, Proof::none, Proof::trying);
    EXPECT_EQ(c.ask(m, k, 2), Word::must_wait);
    EXPECT_EQ(c.ask(m, SiteKind{2}, 2), Word::may_go);
    c.on_proof(m, k, Proof::trying, Proof::faulted);
    EXPECT_EQ(c.ask(m, k, 2), Word::may_go);
    c.on_proof(m, k, Proof::trying, Proof::faulted);
    EXPECT_EQ(c.ask(m, k, 2), Word::to_origin);
    EXPECT_EQ(c.ask(m, k, 3), Word::may_go) << "another rollout wants to see more";
    EXPECT_EQ(c.ask(m, k, 0), Word::may_go);
}

TEST(Canaries, OnceProvenStayOpenWhateverOneDeviceDoes) {
    Canaries c;
    const ModelNumber m{1};
    const SiteKind k{1};
    c.on_proof(m, k, Proof::none, Proof::trying);
    c.on_proof(m, k, Proof::trying, Proof::passed);
    c.on_proof(m, k, Proof::none, Proof::faulted);
    EXPECT_EQ(c.ask(m, k, 1), Canaries::Word::may_go);
    Canaries later;
    later.restore(m, k, c.count(m, k).passed, c.count(m, k).faulted);
    EXPECT_EQ(later.ask(m, k, 1), Canaries::Word::may_go);
}

}  // namespace
}  // namespace sluice::rollout
