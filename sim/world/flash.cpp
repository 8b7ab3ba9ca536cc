#include "sim/world/flash.hpp"

#include <algorithm>

namespace sluice::sim::world {

using install::BootState;
using install::Slot;

Flash::Flash(const image::Digest& kept) {
    slots_[at(Slot::a)].image = kept;
    BootState state;
    state.sequence = 1;
    state.at(Slot::a) = {true, 1, 1, kept};
    state.security_version = 1;
    copies_[0] = encode(state);
}

std::optional<image::Digest> Flash::image_in(Slot slot) const {
    return slots_[at(slot)].image;
}

void Flash::begin_slot(Slot slot) {
    slots_[at(slot)] = {std::nullopt, false};
}

void Flash::finish_slot(Slot slot, const image::Digest& image) {
    slots_[at(slot)] = {image, false};
}

void Flash::begin_record(const BootState& state) {
    const auto newest = install::newest_copy(copies_[0], copies_[1]);
    pending_ = Pending{newest ? 1 - newest->copy : 0, encode(state)};
}

void Flash::finish_record() {
    if (!pending_) return;
    copies_[pending_->copy] = pending_->bytes;
    pending_.reset();
}

void Flash::cut(Rng& rng) {
    for (auto& slot : slots_) {
        if (!slot.is_synced && rng.below(2) == 0) slot.image.reset();
        slot.is_synced = true;
    }
    if (!pending_) return;
    // A prefix of the new over the old: none of it, all of it, or a tear anywhere.
    auto& copy = copies_[pending_->copy];
    const auto& fresh = pending_->bytes;
    const auto kept = static_cast<std::ptrdiff_t>(rng.below(fresh.size() + 1));
    copy.resize(std::max(copy.size(), fresh.size()));
    std::copy(fresh.begin(), fresh.begin() + kept, copy.begin());
    pending_.reset();
}

void Flash::settle() {
    finish_record();
}

std::optional<BootState> Flash::record() const {
    const auto newest = install::newest_copy(copies_[0], copies_[1]);
    if (!newest) return std::nullopt;
    return newest->state;
}

Flash::Boot Flash::next_boot() const {
    const auto state = record();
    if (!state) return {Slot::a, false};
    const auto slot = install::choose_boot(*state).slot;
    return {slot, image_in(slot).has_value()};
}

Slot Flash::boot() {
    const auto state = record();
    if (!state) return Slot::a;
    const auto choice = install::choose_boot(*state);
    if (choice.must_record) {
        begin_record(choice.next);
        finish_record();
    }
    return choice.slot;
}

}  // namespace sluice::sim::world
