#include "tests/safe_upgrade/box.hpp"

#include <array>

namespace sluice::upgrade {
namespace {

using agent::disk::Open;
using install::Slot;

constexpr char kStore[] = "/store", kSlots[] = "/slots", kConfiguration[] = "/configuration";
constexpr char kLive[] = "/etc/settings", kFirstRun[] = "/etc/first-run";

constexpr Image kImages[] = {Image::kept, Image::wanted, Image::other};

const agent::TestImage& bytes_of(Image image) {
    static const std::array<agent::TestImage, 3> all = {agent::make_test_image(1, 9'000),
                                                        agent::make_test_image(2, 2 * 16'384 + 99),
                                                        agent::make_test_image(3, 16'384 + 7)};
    return all[static_cast<std::size_t>(image)];
}
Image image_of(const image::Digest& sha256) {
    for (const auto image : kImages)
        if (bytes_of(image).sha256 == sha256) return image;
    return Image::kept;
}

template <class Wanted>
bool asks_for(const install::Actions& actions) {
    for (const auto& action : actions)
        if (std::holds_alternative<Wanted>(action)) return true;
    return false;
}

void lay_down(agent::disk::Disk& disk, const std::string& path, ByteView bytes) {
    const auto file = disk.open(path, Open::create).value();
    (void)file->pwrite(0, bytes);
    (void)file->sync_data();
}

}  // namespace

Box::Box(const World& world, Rng& rng, std::uint64_t seed) : disk(seed), world_(world), rng_(rng) {
    for (const char* folder : {"/etc", kStore, kSlots}) (void)disk.make_directory(folder);
    lay_down(disk, "/slots/a.img", bytes_of(Image::kept).bytes);
    if (world.has_slots_of_both) lay_down(disk, "/slots/b.img", bytes_of(Image::kept).bytes);
    lay_down(disk, kLive, as_bytes(kOldSettings));
    for (const char* folder : {"/etc", kSlots, "/"}) (void)disk.sync_directory(folder);
}

// --- lives --------------------------------------------------------------------------------------

bool Box::start() {
    if (!is_power_on_ && has_record_) {
        const auto slot = agent::start_boot(disk, kSlots);
        if (!slot) return false;
        running_ = slot.value();
    }
    is_power_on_ = true;
    auto opened = agent::TwoSlotInstaller::open(disk, kSlots, running_, 1);
    if (!opened) return false;
    has_record_ = true;
    installer_ = std::move(opened.value());
    const bool may_other_have_run = install::may_other_have_run(installer_->boot_state(), running_);
    const auto asked = installer_->on(install::Booted{}, now_);
    if (disk.is_off()) return false;
    if (asks_for<install::Reboot>(asked)) return reboot().has_value();
    runs_ = image_of(installer_->boot_state().at(running_).sha256);

    if (world_.loss == Loss::early && !lose_settings()) return false;
    if (asks_for<install::CheckHealth>(asked)) {
        const auto then = installer_->on(install::HealthReported{is_healthy()}, now_);
        if (disk.is_off()) return false;
        if (asks_for<install::Reboot>(then)) return reboot().has_value();
    }
    auto kept = agent::configuration::Configuration::open(disk, kConfiguration, *this);
    if (!kept) return false;
    configuration_ = std::move(kept.value());
    // What the software does not read stays with the slot.
    (void)configuration_->booted(running_, may_other_have_run);
    if (world_.loss == Loss::late && !lose_settings()) return false;
    return !disk.is_off();
}

// The vendor's software, on an image that is new to it.
Result<void> Box::lose_settings() {
    if (!runs_new() || disk.open(kFirstRun, Open::read)) return success();
    SLUICE_TRY(const auto live, disk.open(kLive, Open::replace));
    SLUICE_CHECK(live->pwrite(0, as_bytes("default")));
    SLUICE_CHECK(live->sync_data());
    SLUICE_CHECK(disk.open(kFirstRun, Open::create));
    SLUICE_CHECK(disk.sync_directory("/etc"));
    return success();
}

void Box::stopped(bool is_power_cut) {
    installer_.reset();
    configuration_.reset();
    is_power_on_ = is_power_on_ && !is_power_cut;
}

Result<void> Box::reboot() {
    if (!disk.is_off() && rng_.below(2) == 0) disk.cut_power_now();  // as a watchdog does it
    is_power_on_ = false;
    return Error{"the device starts again"};
}

// --- orders -------------------------------------------------------------------------------------

Result<void> Box::fetch(agent::PieceStore& store, const agent::TestImage& image) const {
    const auto layer = image.layer();
    if (store.load_layer() != image.raw_layer) SLUICE_CHECK(store.save_layer(image.raw_layer));
    SLUICE_TRY(const auto there, store.resume(layer));
    for (PieceIndex piece{0}; piece.value < image.layout.piece_count(); ++piece.value) {
        if (there.contains(piece)) continue;
        if (rng_.uniform() < world_.failing_step * 0.3)
            return Error{"the file server is gone in the middle"};
        SLUICE_CHECK(store.write_piece(piece, image.piece(piece)));
    }
    return store.sync();
}

Result<void> Box::install(Image image) {
    if (runs(image)) return success();
    const auto& is = bytes_of(image);
    SLUICE_TRY(const auto store, agent::PieceStore::open(disk, kStore, is.id, is.layout, {}));
    SLUICE_CHECK(fetch(*store, is));
    SLUICE_CHECK(configuration_->leave(true));
    SLUICE_CHECK(disk.remove_file(kFirstRun));
    const install::Order order{is.layout.length, is.sha256, 2};
    SLUICE_CHECK(installer_->install(*store, order, now_));
    return success();
}

Result<void> Box::go_to_kept() {
    if (!runs_new()) return installer_->stay(now_);
    SLUICE_CHECK(configuration_->leave(false));
    SLUICE_CHECK(installer_->go_to_kept(now_));
    return success();
}

Result<void> Box::apply(ByteView configuration) {
    const auto done = configuration_->apply(configuration, {});
    if (!done) return Error{done.error().message};
    return success();
}

Result<Bytes> Box::read() {
    SLUICE_TRY(auto bytes, configuration_->read());
    if (!bytes) return Error{"there is none"};
    return std::move(*bytes);
}

void Box::heard() {
    if (installer_ != nullptr) (void)installer_->on(install::InformAccepted{}, now_);
}

// --- the vendor's software ----------------------------------------------------------------------

Result<void> Box::apply(const std::string&, ByteView bytes) {
    const bool is_new_format = !bytes.empty() && bytes[0] == '2';
    if (is_new_format != (runs_new() && world_.needs_conversion))
        return Error{"not of this software's format"};
    SLUICE_TRY(const auto file, disk.open(kLive, Open::replace));
    SLUICE_CHECK(file->pwrite(0, bytes));
    SLUICE_CHECK(file->sync_data());
    if (rng_.uniform() < world_.failing_step * 0.3) return Error{"the program ended with 1"};
    return success();
}

Result<std::optional<Bytes>> Box::current() {
    const auto text = live();
    if (text.empty()) return std::optional<Bytes>();
    const auto bytes = as_bytes(text);
    return std::optional<Bytes>(Bytes(bytes.begin(), bytes.end()));
}

std::string Box::live() const {
    auto& medium = const_cast<agent::disk::FaultyDisk&>(disk);
    const auto bytes = agent::disk::read_small_file(medium, kLive, 4096);
    return bytes ? std::string(as_text(bytes.value())) : std::string();
}

std::string Box::users() const {
    const auto text = live();
    const bool reads_it = text.starts_with(runs_new() && world_.needs_conversion ? "2:" : "1:");
    return reads_it ? text.substr(2) : "default";
}

// --- what must hold -----------------------------------------------------------------------------

std::string Box::judge() const {
    auto& medium = const_cast<agent::disk::FaultyDisk&>(disk);
    const auto file = medium.open("/slots/boot.state", Open::read);
    if (!file) return has_record_ ? "the boot record is gone" : "";
    std::array<Bytes, 2> copies;
    for (std::size_t i = 0; i < 2; ++i) {
        copies[i].resize(install::kMaxRecordBytes);
        copies[i].resize(file.value()->pread(install::kCopyOffsets[i], copies[i]).value());
    }
    const auto newest = install::newest_copy(copies[0], copies[1]);
    if (!newest) return "neither copy of the boot record is whole";
    if (!newest->state.at(install::choose_boot(newest->state).slot).is_whole)
        return "the slot that boots is not whole";
    for (const Slot slot : {Slot::a, Slot::b})
        if (auto wrong = judge_slot(newest->state, slot); !wrong.empty()) return wrong;
    return {};
}

// What the record calls whole is one of the images, every byte.
std::string Box::judge_slot(const install::BootState& state, Slot slot) const {
    const auto& content = state.at(slot);
    if (!content.is_whole) return {};
    const auto& image = bytes_of(image_of(content.sha256));
    auto& medium = const_cast<agent::disk::FaultyDisk&>(disk);
    const auto path = std::string(kSlots) + "/" + install::letter(slot) + ".img";
    const auto file = medium.open(path, Open::read);
    Bytes bytes(image.bytes.size() + 1);
    if (file) bytes.resize(file.value()->pread(0, bytes).value());
    if (file && bytes == image.bytes && content.sha256 == image.sha256) return {};
    std::string out = "slot ";
    out += install::letter(slot);
    return out += " is not whole";
}

}  // namespace sluice::upgrade
