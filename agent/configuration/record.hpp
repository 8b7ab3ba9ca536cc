#pragma once
// What configuration.hpp remembers beside the copies themselves: one small file of lines, replaced
// as a whole.
//
//     sluice-configuration 1
//     next 8
//     live 7 b                     copy in use (0: not sure), slot it was put to use in
//     staged 0                     copy being applied
//     slot a 6 1                   copy, and whether the software itself said it was in use
//     slot b 7 0
//     copy 6 4711 1795000000 <64 hex>   number, length, date, SHA-256
//     name 6 voip.cfg
//     version 6 2026-03
//     copy 7 …
//     end <64 hex>                 SHA-256 of all lines above

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/image/digest.hpp"
#include "engine/install/boot_state.hpp"

namespace sluice::agent::configuration {

// As the ACS sees it in VendorConfigFile.1.
struct Label {
    std::string name;
    std::string version;  // empty: the bytes' own
    UtcTime date;
    friend bool operator==(const Label&, const Label&) = default;
};

struct Copy {
    std::uint64_t number = 0;  // of its file
    std::uint64_t length = 0;
    image::Digest sha256;
    Label label;

    // What was said, else the first 16 hex digits of its SHA-256.
    std::string version() const;
    friend bool operator==(const Copy&, const Copy&) = default;
};

struct SlotCopy {
    std::uint64_t copy = 0;  // 0: none
    bool is_exact = false;   // the software said so when the slot was left
    friend bool operator==(const SlotCopy&, const SlotCopy&) = default;
};

struct Record {
    std::uint64_t next = 1;  // number of the next copy
    std::uint64_t live = 0;
    install::Slot live_slot = install::Slot::a;
    std::uint64_t staged = 0;
    std::array<SlotCopy, 2> slots;
    std::vector<Copy> copies;  // that something above names

    SlotCopy& at(install::Slot slot) { return slots[static_cast<std::size_t>(slot)]; }
    const SlotCopy& at(install::Slot slot) const { return slots[static_cast<std::size_t>(slot)]; }
    const Copy* find(std::uint64_t number) const;
    bool names(std::uint64_t number) const;
    friend bool operator==(const Record&, const Record&) = default;
};

// As it is kept: each text 64 printable characters at most.
Label kept(const Label& label);

inline constexpr std::size_t kMaxRecordBytes = 4096;

std::string to_text(const Record& record);
Result<Record> parse_record(std::string_view text);

}  // namespace sluice::agent::configuration
