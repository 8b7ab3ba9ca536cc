#pragma once
// The medium of a simulated device, as a power cut leaves it: two image slots and the two copies of
// the boot record. What was not synced may be lost, what was being written may be torn. The boot
// loader reads it with the very functions that the device's loader uses.

#include <array>
#include <optional>

#include "engine/base/bytes.hpp"
#include "engine/base/rng.hpp"
#include "engine/image/digest.hpp"
#include "engine/install/boot_state.hpp"

namespace sluice::sim::world {

class Flash {
public:
    // From the factory: `kept` whole in slot a, nothing in slot b.
    explicit Flash(const image::Digest& kept);

    // What is in a slot; nothing when it is not a whole image.
    std::optional<image::Digest> image_in(install::Slot slot) const;

    void begin_slot(install::Slot slot);
    void finish_slot(install::Slot slot, const image::Digest& image);
    void sync_slot(install::Slot slot) { slots_[at(slot)].is_synced = true; }

    // A record goes to the copy that is not the newest, so that a torn write leaves the one before.
    void begin_record(const install::BootState& state);
    void finish_record();

    // What was under way may have got through, or not, or in parts.
    void cut(Rng& rng);
    // The process died, the kernel lives: what was handed to it gets there, a half-written slot
    // stays half.
    void settle();

    // What the boot loader would read now; nothing when neither copy is whole.
    std::optional<install::BootState> record() const;
    // What it would start if power came back now, and whether that slot is a whole image.
    struct Boot {
        install::Slot slot;
        bool is_whole = false;
    };
    Boot next_boot() const;
    // The loader at work: the tries it counts down are durable before the slot is started.
    install::Slot boot();

private:
    struct SlotMedium {
        std::optional<image::Digest> image;
        bool is_synced = true;
    };
    struct Pending {
        std::size_t copy;
        Bytes bytes;
    };
    static std::size_t at(install::Slot slot) { return static_cast<std::size_t>(slot); }

    std::array<SlotMedium, 2> slots_;
    std::array<Bytes, 2> copies_;
    std::optional<Pending> pending_;
};

}  // namespace sluice::sim::world
