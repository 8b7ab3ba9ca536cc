#pragma once
// One device on a FaultyDisk: it comes from the factory with an old image, fetches a new one,
// installs it, tries it, commits it, by the agent's own store, installer, boot record and boot
// decision. On the way its power is cut and its process killed at chosen calls, its disk fails now
// and then, a peer sends wrong bytes, a stored bit rots, the new image is unhealthy at first. After
// each stop the medium is judged; the first broken promise is the result.

#include <optional>
#include <string>

#include "agent/installer.hpp"
#include "agent/piece_store.hpp"
#include "tests/agent/faulty_disk/faulty_disk.hpp"
#include "tests/agent/store/test_image.hpp"

namespace sluice::agent {

// What is upgraded, and how large a window of unsynced pieces the store may keep.
struct Upgrade {
    TestImage from, to;
    StoreLimits limits;
};

// Which syncs do nothing, for the proof that each is needed. `step` is what the device is at.
using StepLie =
    std::function<bool(const std::string& step, const std::string& call, const std::string& path)>;

struct RunResult {
    std::string violation;  // empty: every promise was kept
    int power_cuts = 0;
    int kills = 0;
    std::uint64_t fetched_again_most = 0;  // bytes after one power cut
};

class DeviceRun {
public:
    DeviceRun(const Upgrade& upgrade, std::uint64_t seed, StepLie lie = {}, bool is_traced = false);
    RunResult run();

private:
    void build_factory_device();
    void set_next_stop();
    // From power-on (or process start) until a stop, an error, a reboot or the commit.
    void live();
    bool boot();
    void try_new_image(TwoSlotInstaller& installer);
    void upgrade(TwoSlotInstaller& installer);
    bool fetch(PieceStore& store);
    bool fetch_piece(PieceStore& store, const image::PieceLayer& layer, PieceIndex piece);
    bool take_stock(const PieceSet& resumed);
    void rot_a_bit(const PieceStore& store);
    void reboot();

    void judge_medium();
    void judge_slot(const install::BootState& state, install::Slot slot);
    // An error is in order when the power is off or the disk is meant to fail.
    bool excuse(const Error& error);
    void violate(const std::string& what);
    void trace(const std::string& what) const;

    const Upgrade& upgrade_;
    Rng rng_;
    disk::FaultyDisk disk_;
    const bool is_traced_;
    std::string step_;
    Instant now_{};
    RunResult result_;

    int stops_left_;
    bool is_disk_failing_ = false;
    bool is_power_on_ = false;  // false: the next life begins with the boot loader
    bool is_stop_a_cut_ = false;
    install::Slot running_ = install::Slot::a;
    bool is_over_ = false;

    // What the device was promised so far.
    bool has_record_ = false;   // boot.state was made
    bool has_layer_ = false;    // save_layer returned
    bool has_flipped_ = false;  // "installed" was reported, and no fall-back since
    bool is_committing_ = false;
    std::uint32_t security_floor_ = 1;
    bool is_image_bad_;  // unhealthy until the device fell back once
    bool is_image_rotten_ = false;
    int trial_attempts_ = 0;      // of the boot loader, since the flip
    int trial_boots_ = 0;         // since the flip or the last healthy boot
    PieceSet kept_;               // fetched, verified, given to the store
    bool was_power_cut_ = false;  // since kept_ was last compared
};

}  // namespace sluice::agent
