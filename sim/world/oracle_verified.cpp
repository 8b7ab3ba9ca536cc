#include "sim/world/host.hpp"
#include "sim/world/oracle.hpp"
#include "sim/world/world.hpp"

namespace sluice::sim::world {
namespace {

class VerifiedOracle final : public Oracle {
public:
    explicit VerifiedOracle(const World& world) {
        for (const auto& host : world.site().hosts) {
            PieceSet right(world.site().layout.piece_count());
            for (std::uint32_t p = 0; host.starts_whole && p < right.size(); ++p) {
                right.insert(PieceIndex{p});
            }
            right_.push_back(right);
        }
    }

    void on_checked(const Host& host, PieceIndex piece, bool is_right, Instant) override {
        if (is_right) right_[host.index().value].insert(piece);
    }
    void on_lost(const Host& host, PieceIndex piece, Instant) override {
        right_[host.index().value].erase(piece);
    }
    void on_boot(const Host& host, Instant now) override {
        if (host.have() != right_[host.index().value]) {
            accuse(host, now, "resumes with pieces that nobody checked");
        }
    }
    void on_action(const Host& host, const serving::Action& action, Instant now) override {
        const auto* send = std::get_if<serving::Send>(&action);
        if (send == nullptr) return;
        const auto& layout = host.layout();
        if (send->bytes == 0 || send->offset + send->bytes > layout.length) {
            return accuse(host, now, "sends bytes that are not the image's");
        }
        const auto last = layout.piece_at(send->offset + send->bytes - 1);
        for (auto p = layout.piece_at(send->offset); p <= last; ++p.value) {
            if (!right_[host.index().value].contains(p)) {
                accuse(host, now, "sends piece " + std::to_string(p.value) + " unverified");
            }
        }
    }
    void on_action(const Host& host, const transfer::Action& action, Instant now) override {
        if (!std::holds_alternative<transfer::Finish>(action)) return;
        if (!right_[host.index().value].is_complete()) accuse(host, now, "finishes without all");
    }
    void on_installed(const Host& host, Instant now) override {
        if (!right_[host.index().value].is_complete()) accuse(host, now, "installs without all");
    }

    using Oracle::on_action;

private:
    std::vector<PieceSet> right_;  // by host: checked, right, and still on its disk
};

}  // namespace

std::unique_ptr<Oracle> make_verified_oracle(const World& world) {
    return std::make_unique<VerifiedOracle>(world);
}

}  // namespace sluice::sim::world
