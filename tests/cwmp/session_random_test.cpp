// Random interleavings against both session machines: what they owe is in session_oracles.hpp.
#include <cstdlib>
#include <gmock/gmock.h>

#include "engine/base/rng.hpp"
#include "tests/cwmp/session_oracles.hpp"
#include "tests/cwmp/session_pair.hpp"

namespace sluice::cwmp {
namespace {

constexpr std::uint64_t kSeeds = 4000;

// SLUICE_SEED replays one.
std::pair<std::uint64_t, std::uint64_t> seeds() {
    const auto* one = std::getenv("SLUICE_SEED");
    if (one == nullptr) return {0, kSeeds};
    const auto seed = std::strtoull(one, nullptr, 10);
    return {seed, seed + 1};
}

bool flip(Rng& rng, std::uint64_t percent = 50) {
    return rng.below(100) < percent;
}

// Any message, in its right place or not.
Message a_message(Rng& rng) {
    const Message all[] = {
        an_inform({{"2 PERIODIC", ""}}),
        an_inform({{"6 CONNECTION REQUEST", ""}}),
        an_inform({{"7 TRANSFER COMPLETE", ""}, {"M Download", "k"}}),
        InformResponse{},
        TransferComplete{"k", {}, {}, {}},
        TransferCompleteResponse{},
        AutonomousTransferComplete{},
        AutonomousTransferCompleteResponse{},
        RequestDownload{},
        GetRpcMethods{},
        GetRpcMethodsResponse{},
        GetParameterValues{{"Device."}},
        GetParameterValuesResponse{},
        a_download("k"),
        DownloadResponse{},
        Reboot{},
        RebootResponse{},
        Fault{8005, "again", {}},
        Fault{8006, "version", {}},
        Fault{9001, "no", {}},
        Unknown{"Kicked"},
        Unknown{"KickedResponse"},
    };
    return all[rng.below(std::size(all))];
}

Envelope an_envelope(Rng& rng) {
    Envelope out{static_cast<Namespace>(rng.below(4)), {}, a_message(rng)};
    if (flip(rng, 5)) out.message.reset();
    if (flip(rng)) out.header.id = "sluice-" + std::to_string(rng.below(4));
    out.header.hold_requests = flip(rng, 10);
    out.header.no_more_requests = flip(rng, 10);
    return out;
}

AcsEvent a_post(Rng& rng) {
    if (flip(rng, 20)) return PostedEmpty{};
    if (flip(rng, 10)) return PostedNonsense{{"no sense"}};
    return Posted{an_envelope(rng)};
}

AcsOracle::Mood a_mood(Rng& rng) {
    AcsOracle::Mood out{flip(rng, 90), flip(rng), flip(rng, 80), {}};
    if (flip(rng)) out.order = flip(rng) ? Message{a_download("k")} : Message{GetParameterValues{}};
    return out;
}

AcsEvent something_else(Rng& rng) {
    const AcsEvent all[] = {ConnectionLost{}, DeadlinePassed{},      InformTaken{},
                            OrderGiven{},     TransferNotRecorded{}, TransferRecorded{}};
    return all[rng.below(std::size(all))];
}

TEST(RandomSessions, LeaveTheAcsNoPostUnansweredAndNothingAcknowledgedUnrecorded) {
    for (auto [seed, end] = seeds(); seed < end; ++seed) {
        Rng rng(seed);
        AcsSessionPolicy policy;
        policy.max_posts = 40;
        AcsOracle acs(policy);
        Instant now{};
        if (flip(rng, 90)) {
            Envelope inform{Namespace::cwmp_1_0, {}, an_inform()};
            acs.post(Posted{inform}, a_mood(rng), now);
        }
        for (int i = 0; i < 60; ++i) {
            now = now + Duration(static_cast<Duration::rep>(rng.below(1'000'000'000)));
            if (flip(rng, 10)) acs.happen(something_else(rng), now);
            acs.post(a_post(rng), a_mood(rng), now);
        }
        ASSERT_TRUE(acs.is_over()) << "seed " << seed;
        ASSERT_EQ(acs.violation(), "") << "seed " << seed;
    }
}

TEST(RandomSessions, EndAtTheAcsWhenNothingMoreComes) {
    for (auto [seed, end] = seeds(); seed < end; ++seed) {
        Rng rng(seed);
        AcsOracle acs({});
        Instant now{};
        for (auto left = 1 + rng.below(6); left > 0; --left)
            acs.post(a_post(rng), a_mood(rng), now);
        if (flip(rng)) acs.happen(ConnectionLost{}, now);
        acs.let_time_pass(now);
        ASSERT_TRUE(acs.is_over()) << "seed " << seed;
        ASSERT_EQ(acs.violation(), "") << "seed " << seed;
    }
}

CpeEvent an_answer(Rng& rng) {
    if (flip(rng, 5)) return AnswerWasNonsense{{"no sense"}};
    if (flip(rng, 2)) return AnswerFailed{};
    AnswerCame out;
    if (flip(rng, 15)) return out;
    for (auto left = 1 + rng.below(3); left > 0; --left) out.envelopes.push_back(an_envelope(rng));
    return out;
}

TEST(RandomSessions, EndAtTheCpeWithEachTransferDeliveredOnceAtMost) {
    for (auto [seed, end] = seeds(); seed < end; ++seed) {
        Rng rng(seed);
        CpeSessionPolicy policy;
        policy.max_requests = 20;
        policy.says_no_more_requests = flip(rng);
        CpeOracle cpe(policy);
        Instant now{};
        Begin begin{an_inform(), {}};
        for (auto left = rng.below(4); left > 0; --left)
            begin.transfers.push_back({"k" + std::to_string(left), {}, {}, {}});
        cpe.happen(begin, now);
        if (flip(rng, 90)) cpe.happen(AnswerCame{{{{}, {}, InformResponse{}}}}, now);
        for (int i = 0; i < 200 && !cpe.is_over(); ++i) {
            if (cpe.is_asked()) {
                cpe.happen(Executed{flip(rng) ? Message{DownloadResponse{}} : Fault{}}, now);
            } else {
                cpe.happen(an_answer(rng), now);
            }
        }
        if (cpe.is_asked()) cpe.happen(Executed{DownloadResponse{}}, now);
        cpe.let_time_pass(now);
        ASSERT_TRUE(cpe.is_over()) << "seed " << seed;
        ASSERT_EQ(cpe.violation(), "") << "seed " << seed;
    }
}

}  // namespace
}  // namespace sluice::cwmp
