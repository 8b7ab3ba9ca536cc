#include "tests/agent/power_cut/device_run.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace sluice::agent {
namespace {

using install::Slot;

constexpr char kStore[] = "/store";
constexpr char kSlots[] = "/slots";

bool has(const install::Actions& actions, install::Outcome outcome) {
    for (const auto& action : actions)
        if (const auto* report = std::get_if<install::Report>(&action))
            if (report->outcome == outcome) return true;
    return false;
}

template <class Wanted>
bool has(const install::Actions& actions) {
    for (const auto& action : actions)
        if (std::holds_alternative<Wanted>(action)) return true;
    return false;
}

}  // namespace

DeviceRun::DeviceRun(const Upgrade& upgrade, std::uint64_t seed, StepLie lie, bool is_traced)
    : upgrade_(upgrade),
      rng_(mix64(seed)),
      disk_(mix64(seed + 1)),
      is_traced_(is_traced),
      stops_left_(1 + static_cast<int>(rng_.below(5))),
      is_image_bad_(rng_.below(4) == 0),
      kept_(upgrade.to.layout.piece_count()) {
    build_factory_device();
    if (lie)
        disk_.lie_about([this, lie = std::move(lie)](const char* call, const std::string& path) {
            return lie(step_, call, path);
        });
}

void DeviceRun::build_factory_device() {
    for (const char* folder : {kStore, kSlots}) (void)disk_.make_directory(folder);
    const bool has_both_slots = rng_.below(2) == 0;
    for (const char* path : {"/slots/a.img", "/slots/b.img"}) {
        if (path[7] == 'b' && !has_both_slots) continue;
        const auto slot = disk_.open(path, disk::Open::create).value();
        (void)slot->pwrite(0, upgrade_.from.bytes);
        (void)slot->sync_data();
    }
    (void)disk_.sync_directory(kSlots);
    (void)disk_.sync_directory("/");
}

RunResult DeviceRun::run() {
    for (int lives = 0; lives < 300 && !is_over_ && result_.violation.empty(); ++lives) {
        set_next_stop();
        live();
        disk_.fail("", "", 0);
        const bool was_stopped = disk_.is_off();
        if (was_stopped && is_stop_a_cut_) {
            is_power_on_ = false;
            was_power_cut_ = true;
            ++result_.power_cuts;
        } else if (was_stopped) {
            ++result_.kills;
        }
        trace(was_stopped ? (is_stop_a_cut_ ? "-- power cut" : "-- killed") : "-- life ends");
        disk_.come_back();
        judge_medium();
    }
    if (result_.violation.empty() && !is_over_) violate("the upgrade never ends");
    return result_;
}

void DeviceRun::set_next_stop() {
    is_disk_failing_ = false;
    if (stops_left_ == 0 || rng_.below(4) == 0) return;
    --stops_left_;
    struct Place {
        const char* part;
        std::uint64_t calls;
    };
    constexpr std::array<Place, 7> kPlaces{{{"", 150},
                                            {"", 40},
                                            {"boot.state", 8},
                                            {"image.bin", 40},
                                            {"image.bin", 10},
                                            {".img", 12},
                                            {"/store", 12}}};
    const auto& place = kPlaces[rng_.below(kPlaces.size())];
    const auto n = 1 + rng_.below(place.calls);
    is_stop_a_cut_ = rng_.below(4) != 0;
    if (is_stop_a_cut_)
        disk_.cut_power_at(n, place.part);
    else
        disk_.kill_process_at(n, place.part);
    if (rng_.below(8) == 0) {
        constexpr std::array<const char*, 4> kFailing{"boot.state", "image.bin", ".img", "/"};
        const char* const part = kFailing[rng_.below(kFailing.size())];
        disk_.fail("fdatasync", part, EIO);
        is_disk_failing_ = true;
        trace(std::string("-- fdatasync fails on ") + part);
    }
}

void DeviceRun::live() {
    if (!is_power_on_ && !boot()) return;
    is_power_on_ = true;
    step_ = "open installer";
    auto opened = TwoSlotInstaller::open(disk_, kSlots, running_, 1);
    if (!opened) return void(excuse(opened.error()));
    has_record_ = true;
    auto& installer = *opened.value();

    step_ = "start";
    const auto asked = installer.on(install::Booted{}, now_);
    if (disk_.is_off()) return;
    if (has(asked, install::Outcome::fell_back)) {
        trace("fell back");
        is_image_bad_ = has_flipped_ = false;
    }
    if (has(asked, install::Outcome::record_failed)) return void(excuse(installer.last_error()));
    if (has<install::CheckHealth>(asked)) return try_new_image(installer);
    if (has<install::Reboot>(asked)) return reboot();
    const auto& state = installer.boot_state();
    if (state.active == running_ && state.at(running_).sha256 == upgrade_.to.sha256) {
        // The commit's record was durable, and the cut came before its report.
        is_over_ = true;
        return;
    }
    upgrade(installer);
}

bool DeviceRun::boot() {
    step_ = "boot";
    if (has_flipped_) ++trial_attempts_;
    const auto started = start_boot(disk_, kSlots);
    if (started) {
        running_ = started.value();
        trace(std::string("boots ") + install::letter(running_));
        if (has_flipped_ && running_ == Slot::b && ++trial_boots_ > install::InstallPolicy{}.tries)
            violate("a try is not counted");
        return true;
    }
    // As it comes from the factory.
    if (!has_record_ && !disk_.is_off()) return true;
    excuse(started.error());
    return false;
}

void DeviceRun::try_new_image(TwoSlotInstaller& installer) {
    step_ = "trial";
    trace("on trial");
    if (is_image_bad_) {
        installer.on(install::HealthReported{false}, now_);
        return reboot();
    }
    trial_boots_ = 0;
    installer.on(install::HealthReported{true}, now_);
    if (disk_.is_off() || is_disk_failing_) return;
    for (auto hours = rng_.below(3); hours > 0; --hours) {
        now_ = now_ + 1h;
        installer.on(install::DeadlinePassed{}, now_);
        if (disk_.is_off()) return;
    }
    if (rng_.below(4) == 0) return reboot();
    is_committing_ = true;
    const auto left = installer.on(install::InformAccepted{}, now_);
    if (disk_.is_off()) return;
    if (!has(left, install::Outcome::committed)) return violate("does not commit");
    trace("committed");
    security_floor_ = 2;
    is_over_ = true;
}

void DeviceRun::upgrade(TwoSlotInstaller& installer) {
    // The fall-back was durable, and the cut came before its report.
    if (std::exchange(has_flipped_, false)) is_image_bad_ = false;
    step_ = "open store";
    auto opened =
        PieceStore::open(disk_, kStore, upgrade_.to.id, upgrade_.to.layout, upgrade_.limits);
    if (!opened) return void(excuse(opened.error()));
    auto& store = *opened.value();
    if (!fetch(store)) return;
    if (rng_.below(16) == 0) rot_a_bit(store);

    step_ = "install";
    trial_boots_ = trial_attempts_ = 0;
    const install::Order order{upgrade_.to.layout.length, upgrade_.to.sha256, 2};
    const auto installed = installer.install(store, order, now_);
    if (!installed) {
        if (!is_image_rotten_) excuse(installed.error());
        return;
    }
    if (is_image_rotten_) return violate("a rotten image was installed");
    trace("installed");
    has_flipped_ = true;
    reboot();
}

bool DeviceRun::fetch(PieceStore& store) {
    step_ = "layer";
    const auto saved = store.load_layer();
    if (has_layer_ && saved != upgrade_.to.raw_layer && !disk_.is_off()) {
        violate("a saved layer is lost");
        return false;
    }
    if (saved != upgrade_.to.raw_layer) {
        if (auto done = store.save_layer(upgrade_.to.raw_layer); !done) return excuse(done.error());
        has_layer_ = true;
    }
    const auto layer = upgrade_.to.layer();
    step_ = "resume";
    auto resumed = store.resume(layer);
    if (!resumed) {
        kept_ = PieceSet(kept_.size());
        return excuse(resumed.error());
    }
    if (!take_stock(resumed.value())) return false;
    step_ = "batch";
    for (PieceIndex piece{0}; piece.value < kept_.size(); ++piece.value) {
        if (!kept_.contains(piece) && !fetch_piece(store, layer, piece)) return false;
        // The time limit of a batch: a sync may come at any moment.
        if (rng_.below(16) == 0)
            if (auto done = store.sync(); !done) {
                trace(done.error().message);
                break;
            }
    }
    if (auto done = store.sync(); !done) {
        if (is_disk_failing_) kept_ = PieceSet(kept_.size());  // given up rather than believed
        return excuse(done.error());
    }
    if (!store.is_complete()) violate("a fetched image is not complete");
    return store.is_complete();
}

bool DeviceRun::fetch_piece(PieceStore& store, const image::PieceLayer& layer, PieceIndex piece) {
    const auto bytes = upgrade_.to.piece(piece);
    while (rng_.below(32) == 0) {
        Bytes wrong(bytes.begin(), bytes.end());
        wrong[rng_.below(wrong.size())] ^= 1;
        if (layer.is_verified(piece, wrong)) violate("a wrong piece is verified");
    }
    kept_.insert(piece);
    trace("fetches " + std::to_string(piece.value));
    auto written = store.write_piece(piece, bytes);
    if (written) return true;
    if (is_disk_failing_) kept_ = PieceSet(kept_.size());
    return excuse(written.error());
}

// Compares what is there after a stop with what was given to the store before it.
bool DeviceRun::take_stock(const PieceSet& resumed) {
    std::uint64_t lost = 0;
    for (PieceIndex piece{0}; piece.value < kept_.size(); ++piece.value)
        if (kept_.contains(piece) && !resumed.contains(piece))
            lost += upgrade_.to.layout.size_of(piece);
    trace("resumes " + std::to_string(resumed.count()) + ", lost " + std::to_string(lost));
    kept_ = resumed;
    is_image_rotten_ = false;
    if (!std::exchange(was_power_cut_, false) && lost > upgrade_.to.layout.piece_length) {
        violate("a kill lost more than the piece being written");
        return false;
    }
    result_.fetched_again_most = std::max(result_.fetched_again_most, lost);
    if (lost > upgrade_.limits.window_bytes) {
        violate(std::to_string(lost) + " bytes are fetched again");
        return false;
    }
    return true;
}

void DeviceRun::rot_a_bit(const PieceStore& store) {
    const auto file = disk_.open(store.image_path(), disk::Open::update);
    if (!file) return;
    const auto at = rng_.below(upgrade_.to.bytes.size());
    const Bytes wrong{static_cast<std::uint8_t>(upgrade_.to.bytes[at] ^ 1)};
    if (!file.value()->pwrite(at, wrong) || !file.value()->sync_data()) {
        // Cut: it may be there or not; one piece more may be lost.
        kept_.erase(upgrade_.to.layout.piece_at(at));
        return;
    }
    trace("a bit rots");
    is_image_rotten_ = true;
    kept_.erase(upgrade_.to.layout.piece_at(at));
}

// A reboot the device asked for: orderly, or as a watchdog does it.
void DeviceRun::reboot() {
    is_power_on_ = false;
    if (disk_.is_off() || rng_.below(2) == 0) return;
    disk_.cut_power_now();
    is_stop_a_cut_ = true;
}

void DeviceRun::judge_medium() {
    const auto opened = disk_.open("/slots/boot.state", disk::Open::read);
    if (!opened) {
        if (has_record_) violate("the boot record is gone");
        return;
    }
    const auto& file = *opened.value();
    std::array<Bytes, 2> copies;
    for (std::size_t i = 0; i < 2; ++i) {
        copies[i].resize(install::kMaxRecordBytes);
        const auto got = file.pread(install::kCopyOffsets[i], copies[i]);
        copies[i].resize(got.value());
    }
    const auto newest = install::newest_copy(copies[0], copies[1]);
    if (!newest) return violate("neither copy of the boot record is whole");
    const auto& state = newest->state;
    for (const Slot slot : {Slot::a, Slot::b}) judge_slot(state, slot);
    const auto choice = install::choose_boot(state);
    if (!state.at(choice.slot).is_whole) violate("the slot that boots is not whole");
    if (state.security_version < security_floor_) violate("the security version is lost");
    if (state.security_version > (is_committing_ ? 2u : 1u))
        violate("the security version rose before the commit");
    if (has_flipped_ && !state.is_on_trial && state.active == Slot::a && trial_attempts_ == 0)
        violate("an installed image is forgotten");
}

// What the record calls whole is the old or the new image, every byte.
void DeviceRun::judge_slot(const install::BootState& state, Slot slot) {
    const auto& content = state.at(slot);
    if (!content.is_whole) return;
    const auto& image = content.sha256 == upgrade_.to.sha256 ? upgrade_.to : upgrade_.from;
    const auto path = std::string(kSlots) + "/" + install::letter(slot) + ".img";
    const auto opened = disk_.open(path, disk::Open::read);
    Bytes bytes(image.bytes.size() + 1);
    if (opened) bytes.resize(opened.value()->pread(0, bytes).value());
    if (!opened || bytes != image.bytes || content.sha256 != image.sha256)
        violate(std::string("slot ") + install::letter(slot) + " is not whole");
}

bool DeviceRun::excuse(const Error& error) {
    trace(error.message);
    if (!disk_.is_off() && !is_disk_failing_) violate("fails without a cause: " + error.message);
    return false;
}

void DeviceRun::violate(const std::string& what) {
    trace("VIOLATION: " + what);
    if (result_.violation.empty()) result_.violation = what;
}

void DeviceRun::trace(const std::string& what) const {
    if (is_traced_)
        std::printf("%6llu %-15s %s\n", static_cast<unsigned long long>(disk_.changes()),
                    step_.c_str(), what.c_str());
}

}  // namespace sluice::agent
