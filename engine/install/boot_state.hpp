#pragma once
// What boot loader and agent tell each other across reboots: which slot is committed, which one is
// on trial, how often it may still be tried. A device has two slots; the trial is always of the
// one that is not active, so the committed image is never the one being written.
//
// On the medium the state is a record of under 512 bytes, kept twice: each write goes to the copy
// that is not the newest, so that a torn write leaves the one before. Record (integers big-endian):
//
//     0  "SLBT"  u16 major = 1  u16 bytes of the record, checksum included
//     8  u64 sequence    u8 active slot   u8 flags (1 on trial, 2 was healthy)   u8 tries left
//    19  u8 0   u16 hours left   u16 0   u32 security version
//    28  for slots a and b: u8 whole  3×0  u32 security version  u64 length  32 bytes SHA-256
//   124  (fields of later minor versions)   last 32 bytes: SHA-256 of all before
//
// A later version of the agent goes on writing major 1 until it is committed: the image it may fall
// back to must be able to read what it wrote.

#include <array>
#include <cstdint>
#include <optional>

#include "engine/base/bytes.hpp"
#include "engine/image/digest.hpp"

namespace sluice::install {

enum class Slot : std::uint8_t { a, b };
constexpr Slot other(Slot slot) {
    return slot == Slot::a ? Slot::b : Slot::a;
}
constexpr char letter(Slot slot) {
    return slot == Slot::a ? 'a' : 'b';
}

struct SlotContent {
    bool is_whole = false;  // verified once written, and not written to since
    std::uint32_t security_version = 0;
    std::uint64_t length = 0;
    image::Digest sha256;
    friend bool operator==(const SlotContent&, const SlotContent&) = default;
};

struct BootState {
    std::uint64_t sequence = 0;  // of two copies the higher one counts
    Slot active = Slot::a;       // committed; boots unless a trial is due
    std::array<SlotContent, 2> slots;
    std::uint32_t security_version = 0;  // of all that was ever committed, the highest

    bool is_on_trial = false;      // other(active) is whole and wants to prove itself
    std::uint8_t tries_left = 0;   // boots; full again after each healthy one
    bool was_healthy = false;      // the trial has had a healthy boot
    std::uint16_t hours_left = 0;  // for an accepted Inform; each hour and each reboot costs one

    SlotContent& at(Slot slot) { return slots[static_cast<std::size_t>(slot)]; }
    const SlotContent& at(Slot slot) const { return slots[static_cast<std::size_t>(slot)]; }
    friend bool operator==(const BootState&, const BootState&) = default;
};

// Where the two copies begin in boot.state: flash pages apart.
inline constexpr std::uint64_t kCopyOffsets[2] = {0, 4096};
inline constexpr std::size_t kMaxRecordBytes = 512;

Bytes encode(const BootState& state);
// Nothing for anything but a whole record of major 1. Bytes after it are not looked at.
std::optional<BootState> decode(ByteView record);

struct NewestCopy {
    BootState state;
    std::size_t copy = 0;  // 0 or 1; the next write goes to the other one
};
std::optional<NewestCopy> newest_copy(ByteView copy0, ByteView copy1);

// The boot loader's whole decision.
struct BootChoice {
    Slot slot = Slot::a;
    bool must_record = false;  // `next` is durable before the slot is started
    BootState next;
};
BootChoice choose_boot(const BootState& state);

}  // namespace sluice::install
