// The kernel under our ruleset against the model: the same random packets to both, the same way
// out of both, for 10,000 CPEs. SLUICE_SPLIT_SEQUENCES=N and SLUICE_SPLIT_SEED=N change what runs.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <gmock/gmock.h>
#include <map>
#include <thread>

#include "tests/split_lab/one_bench.hpp"
#include "tests/split_lab/random_cpe.hpp"

namespace sluice::split::lab {
namespace {

using Clock = std::chrono::steady_clock;

// Everything happens at the start of a slot, and every time-out ends in the middle of one: what is
// right does not hang on a few milliseconds, unless the machine is busier than kLateAfter.
constexpr Duration kSlot = 56ms;
constexpr Duration kLateAfter = 14ms;
constexpr Duration kPatience = 6ms;
constexpr std::size_t kSlots = 24;
constexpr std::uint32_t kCpesABatch = 500;
constexpr int kTriesABatch = 8;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// Both modes in turn, with interfaces named and with sides told by address alone.
Settings settings_of(std::uint32_t batch) {
    auto out = lab_settings();
    out.mode = batch % 2 == 0 ? Mode::early : Mode::patent;
    if (batch % 4 >= 2) out.cpe_interface = out.itms_interface = out.collector_interface = "";
    out.lives = {kSlot * 7 / 2, kSlot * 5 / 2, kSlot * 3 / 2, kSlot * 5 / 2, kSlot * 7 / 2};
    return out;
}

struct Batch {
    bool is_late = false;
    std::size_t packets = 0;
    std::size_t turned = 0;
    std::size_t activations = 0;
    std::vector<std::string> quarrels;
};

std::string outcome(const std::optional<Packet>& packet) {
    return packet ? text_of(*packet) : "dropped";
}

class Runner {
public:
    Runner(Bench& bench, const Settings& settings, std::uint64_t seed, std::uint32_t first,
           std::uint32_t count)
        : bench_(bench), settings_(settings), model_(settings) {
        for (std::uint32_t i = 0; i < count; ++i)
            cpes_.emplace_back(cpe_address(first + i, i % 2 == 0), settings_, model_,
                               mix64(seed ^ (std::uint64_t{i} << 32)));
    }

    Batch run() {
        const auto start = Clock::now() + kSlot;
        for (std::size_t slot = 0; slot < kSlots && !out_.is_late; ++slot) {
            prepare(Instant{} + kSlot * static_cast<int>(slot));
            const auto due = start + kSlot * static_cast<int>(slot);
            out_.is_late = Clock::now() > due;
            std::this_thread::sleep_until(due);
            exchange();
            out_.is_late = out_.is_late || Clock::now() > due + kLateAfter + kPatience;
        }
        out_.turned = model_.count(Count::turned);
        out_.activations = model_.count(Count::activations);
        return out_;
    }

private:
    void prepare(Instant now) {
        sent_.clear();
        who_.clear();
        for (std::size_t i = 0; i < cpes_.size(); ++i) {
            auto sent = cpes_[i].next(now, static_cast<std::uint16_t>(sent_.size() + 1));
            if (!sent) continue;
            sent_.push_back(*sent);
            who_.push_back(i);
        }
    }

    void exchange() {
        std::size_t wanted = 0;
        const auto began = Clock::now();
        for (const auto& sent : sent_) {
            bench_.send(sent.from, sent.segment);
            wanted += sent.expected ? 1u : 0u;
        }
        if (Clock::now() - began > kLateAfter) out_.is_late = true;
        out_.packets += sent_.size();
        std::map<std::size_t, Packet> came;
        for (const auto& arrival : bench_.take(wanted, kPatience))
            came.insert_or_assign(arrival.segment.id, arrival.segment.packet);
        for (std::size_t i = 0; i < sent_.size(); ++i) {
            const auto at = came.find(i + 1);
            std::optional<Packet> kernel;
            if (at != came.end()) kernel = at->second;
            if (outcome(kernel) != outcome(sent_[i].expected))
                out_.quarrels.push_back(cpes_[who_[i]].story() +
                                        "  but the kernel: " + outcome(kernel) + "\n");
        }
    }

    Bench& bench_;
    const Settings& settings_;
    Splitter model_;
    std::vector<RandomCpe> cpes_;
    std::vector<Sent> sent_;
    std::vector<std::size_t> who_;
    Batch out_;
};

TEST(Agreement, TheKernelSendsEveryPacketWhereTheModelDoes) {
    auto* bench = the_bench();
    if (bench == nullptr) GTEST_SKIP() << why_no_bench();
    const auto sequences = from_environment("SLUICE_SPLIT_SEQUENCES", 10'000);
    const auto seed = from_environment("SLUICE_SPLIT_SEED", 8);
    std::size_t packets = 0, turned = 0, activations = 0, late = 0;
    for (std::uint32_t first = 0; first < sequences; first += kCpesABatch) {
        const auto settings = settings_of(first / kCpesABatch);
        const auto count =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(kCpesABatch, sequences - first));
        Batch batch;
        for (int attempt = 0; attempt < kTriesABatch; ++attempt) {
            ASSERT_TRUE(bench->install(settings));
            bench->take(0, 0ms);
            // Addresses of their own for each attempt: connection tracking remembers for minutes.
            const auto addresses = (first * kTriesABatch + attempt * kCpesABatch) % (1u << 22);
            batch = Runner(*bench, settings, mix64(seed + first), addresses, count).run();
            if (!batch.is_late) break;
            ++late;
        }
        if (batch.is_late) GTEST_SKIP() << "the machine is too busy to keep slots of 56 ms";
        ASSERT_TRUE(batch.quarrels.empty())
            << batch.quarrels.size() << " quarrels; seed " << seed << ", CPEs from " << first
            << ", mode " << (settings.mode == Mode::early ? "early" : "patent") << ":\n"
            << batch.quarrels.front();
        packets += batch.packets;
        turned += batch.turned;
        activations += batch.activations;
    }
    std::printf(
        "%llu sequences, %zu packets, %zu activations, %zu turned, %zu batches again for "
        "lateness; seed %llu\n",
        static_cast<unsigned long long>(sequences), packets, activations, turned, late,
        static_cast<unsigned long long>(seed));
    EXPECT_GT(turned, sequences / 20);
}

}  // namespace
}  // namespace sluice::split::lab
