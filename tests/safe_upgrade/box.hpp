#pragma once
// One device for safe upgrades to be tried on: the agent's own store, slots, boot record and
// configuration copies on a FaultyDisk, and a vendor's software above them that may lose its
// configuration or read another format. What a southbound orders ends here; what survives a power
// cut is judged here.

#include <optional>
#include <string>

#include "agent/configuration/configuration.hpp"
#include "agent/installer.hpp"
#include "engine/base/rng.hpp"
#include "tests/agent/faulty_disk/faulty_disk.hpp"
#include "tests/agent/store/test_image.hpp"

namespace sluice::upgrade {

// Of its configuration: before the agent starts, or with the agent already up.
enum class Loss : std::uint8_t { none, early, late };

// What goes wrong in one run: drawn by its seed.
struct World {
    double device_stops = 0, server_stops = 0;  // a life that ends by a cut or a kill
    double lost_word = 0;                       // of one message
    double failing_step = 0;                    // a transfer that breaks, a program that fails
    double idle_device = 0;                     // image orders lie in its queue (CWMP)
    double rotten_backup = 0;                   // at the file server
    bool is_image_bad = false;                  // never healthy: the boot record goes back
    bool is_other_bad = false;                  // and so the one that the operator chose
    Loss loss = Loss::none;                     // what the new image does when it first runs
    bool needs_conversion = false;              // the new image reads a format of its own
    bool reports_first = false;                 // CWMP: TransferComplete before the reboot
    bool has_slots_of_both = true;              // from the factory
};

inline constexpr std::string_view kOldSettings = "1:users=7", kNewSettings = "2:users=7";

enum class Image : std::uint8_t {
    kept,    // that it had
    wanted,  // that was ordered first
    other,   // that the operator chose then
};

class Box final : agent::configuration::Software {
public:
    Box(const World& world, Rng& rng, std::uint64_t seed);

    agent::disk::FaultyDisk disk;

    // Power on, or the process starts again: boot loader, installer, configuration. False: stopped
    // on the way, or wants to boot again at once.
    bool start();
    // Cut or killed, or it ended its process itself: start() comes next.
    void stopped(bool is_power_cut);
    bool is_down() const { return disk.is_off() || !is_power_on_; }

    // Orders. An error is the device's own (Result), or it was stopped (disk.is_off()).
    Result<void> install(Image image);
    // Back to the image that was kept: by another boot, or by calling off the one that is due.
    Result<void> go_to_kept();
    Result<void> reboot();  // always ends this life
    Result<void> apply(ByteView configuration);
    Result<Bytes> read();
    // The manager's system took this start's first word: a trial is committed.
    void heard();

    bool runs(Image image) const { return runs_ == image; }
    bool runs_new() const { return runs_ != Image::kept; }
    bool is_healthy() const {
        return !(runs(Image::wanted) && world_.is_image_bad) &&
               !(runs(Image::other) && world_.is_other_bad);
    }
    // What its settings come to; the vendor's parameters.
    std::string users() const;
    bool has_its_settings() const { return live() == (runs_new() ? wanted() : kOldSettings); }
    std::string_view wanted() const {
        return world_.needs_conversion ? kNewSettings : kOldSettings;
    }

    // Of the medium, after any stop: empty, or the promise that was broken.
    std::string judge() const;

private:
    // The vendor's software; its settings lie in one file that it writes in place.
    Result<void> apply(const std::string& path, ByteView bytes) override;
    Result<std::optional<Bytes>> current() override;
    std::string live() const;

    Result<void> lose_settings();
    Result<void> fetch(agent::PieceStore& store, const agent::TestImage& image) const;
    std::string judge_slot(const install::BootState& state, install::Slot slot) const;

    const World& world_;
    Rng& rng_;
    std::unique_ptr<agent::TwoSlotInstaller> installer_;
    std::unique_ptr<agent::configuration::Configuration> configuration_;
    install::Slot running_ = install::Slot::a;
    Image runs_ = Image::kept;
    bool is_power_on_ = false, has_record_ = false;
    Instant now_{};
};

}  // namespace sluice::upgrade
