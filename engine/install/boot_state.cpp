#include "engine/install/boot_state.hpp"

#include <algorithm>

#include "engine/image/merkle.hpp"

namespace sluice::install {
namespace {

constexpr std::uint8_t kMagic[4] = {'S', 'L', 'B', 'T'};
constexpr std::uint16_t kMajor = 1;
constexpr std::size_t kFieldBytes = 124;
constexpr std::size_t kChecksumBytes = 32;
constexpr std::uint8_t kOnTrial = 1;
constexpr std::uint8_t kWasHealthy = 2;

template <class Integer>
void put(Bytes& out, Integer value) {
    for (std::size_t i = sizeof value; i-- > 0;)
        out.push_back(static_cast<std::uint8_t>(std::uint64_t{value} >> (8 * i)));
}

// Callers have checked that the bytes are there.
class Reader {
public:
    explicit Reader(ByteView bytes) : rest_(bytes) {}
    template <class Integer>
    Integer get() {
        std::uint64_t value = 0;
        for (const auto byte : rest_.first(sizeof(Integer))) value = value << 8 | byte;
        rest_ = rest_.subspan(sizeof(Integer));
        return static_cast<Integer>(value);
    }
    void get(std::span<std::uint8_t> out) {
        std::copy_n(rest_.begin(), out.size(), out.begin());
        rest_ = rest_.subspan(out.size());
    }
    void skip(std::size_t n) { rest_ = rest_.subspan(n); }

private:
    ByteView rest_;
};

void put_slot(Bytes& out, const SlotContent& slot) {
    put(out, std::uint32_t{slot.is_whole ? 1u << 24 : 0u});
    put(out, slot.security_version);
    put(out, slot.length);
    out.insert(out.end(), slot.sha256.bytes.begin(), slot.sha256.bytes.end());
}

SlotContent get_slot(Reader& in) {
    SlotContent slot;
    slot.is_whole = in.get<std::uint32_t>() >> 24 != 0;
    slot.security_version = in.get<std::uint32_t>();
    slot.length = in.get<std::uint64_t>();
    in.get(slot.sha256.bytes);
    return slot;
}

}  // namespace

Bytes encode(const BootState& state) {
    Bytes out(std::begin(kMagic), std::end(kMagic));
    out.reserve(kFieldBytes + kChecksumBytes);
    put(out, kMajor);
    put(out, static_cast<std::uint16_t>(kFieldBytes + kChecksumBytes));
    put(out, state.sequence);
    put(out, static_cast<std::uint8_t>(state.active));
    put(out, static_cast<std::uint8_t>((state.is_on_trial ? kOnTrial : 0) |
                                       (state.was_healthy ? kWasHealthy : 0)));
    put(out, state.tries_left);
    put(out, std::uint8_t{0});
    put(out, state.hours_left);
    put(out, std::uint16_t{0});
    put(out, state.security_version);
    for (const auto& slot : state.slots) put_slot(out, slot);
    const auto checksum = image::sha256(out);
    out.insert(out.end(), checksum.bytes.begin(), checksum.bytes.end());
    return out;
}

std::optional<BootState> decode(ByteView record) {
    if (record.size() < kFieldBytes + kChecksumBytes) return std::nullopt;
    if (!std::equal(std::begin(kMagic), std::end(kMagic), record.begin())) return std::nullopt;
    Reader in(record.subspan(sizeof kMagic));
    if (in.get<std::uint16_t>() != kMajor) return std::nullopt;
    const std::size_t size = in.get<std::uint16_t>();
    if (size < kFieldBytes + kChecksumBytes || size > kMaxRecordBytes || size > record.size())
        return std::nullopt;
    const auto checksum = image::sha256(record.first(size - kChecksumBytes));
    if (!std::equal(checksum.bytes.begin(), checksum.bytes.end(),
                    record.begin() + static_cast<std::ptrdiff_t>(size - kChecksumBytes)))
        return std::nullopt;

    BootState state;
    state.sequence = in.get<std::uint64_t>();
    const auto active = in.get<std::uint8_t>();
    if (active > 1) return std::nullopt;
    state.active = Slot{active};
    const auto flags = in.get<std::uint8_t>();
    state.is_on_trial = (flags & kOnTrial) != 0;
    state.was_healthy = (flags & kWasHealthy) != 0;
    state.tries_left = in.get<std::uint8_t>();
    in.skip(1);
    state.hours_left = in.get<std::uint16_t>();
    in.skip(2);
    state.security_version = in.get<std::uint32_t>();
    for (auto& slot : state.slots) slot = get_slot(in);
    return state;
}

std::optional<NewestCopy> newest_copy(ByteView copy0, ByteView copy1) {
    const auto first = decode(copy0);
    const auto second = decode(copy1);
    if (first && (!second || first->sequence >= second->sequence)) return NewestCopy{*first, 0};
    if (second) return NewestCopy{*second, 1};
    return std::nullopt;
}

BootChoice choose_boot(const BootState& state) {
    const Slot trial = other(state.active);
    const bool is_trial_whole = state.at(trial).is_whole;
    if (state.is_on_trial && state.tries_left > 0 && is_trial_whole) {
        BootChoice choice{trial, true, state};
        ++choice.next.sequence;
        --choice.next.tries_left;
        return choice;
    }
    // A slot known not to be whole is started only when the other one is no better.
    const bool is_active_best = state.at(state.active).is_whole || !is_trial_whole;
    return {is_active_best ? state.active : trial, false, state};
}

}  // namespace sluice::install
