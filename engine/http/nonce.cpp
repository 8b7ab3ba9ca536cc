#include "engine/http/nonce.hpp"

#include <algorithm>
#include <cryptopp/hmac.h>
#include <cryptopp/sha.h>
#include <limits>

namespace sluice::http {
namespace {

constexpr std::size_t kStampSize = 16;  // u64 serial, u64 nanoseconds
constexpr std::size_t kSealSize = 16;
constexpr std::size_t kTextSize = (kStampSize + kSealSize) * 4 / 3 + 1;  // base64url of 32 bytes

void put_u64(Bytes& out, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint64_t get_u64(ByteView in) {
    std::uint64_t out = 0;
    for (int i = 0; i < 8; ++i) out = out << 8 | in[static_cast<std::size_t>(i)];
    return out;
}

}  // namespace

NonceBook::NonceBook(const std::array<std::uint8_t, 32>& key, const NonceLimits& limits)
    : key_(key), limits_(limits) {}

std::array<std::uint8_t, 16> NonceBook::seal(ByteView stamp) const {
    CryptoPP::HMAC<CryptoPP::SHA256> mac(key_.data(), key_.size());
    std::array<std::uint8_t, kSealSize> out;
    mac.Update(stamp.data(), stamp.size());
    mac.TruncatedFinal(out.data(), out.size());
    return out;
}

std::string NonceBook::issue(Instant now) {
    Bytes raw;
    put_u64(raw, next_serial_++);
    put_u64(raw, static_cast<std::uint64_t>(now.since_start.count()));
    const auto sealed = seal(raw);
    raw.insert(raw.end(), sealed.begin(), sealed.end());
    return to_base64url(raw);
}

std::optional<NonceBook::Stamp> NonceBook::read(std::string_view nonce) const {
    if (nonce.size() != kTextSize) return std::nullopt;
    const auto raw = from_base64url(nonce);
    if (!raw || raw->size() != kStampSize + kSealSize) return std::nullopt;
    const auto stamp = ByteView(*raw).first(kStampSize);
    if (!equal_in_constant_time(seal(stamp), ByteView(*raw).subspan(kStampSize)))
        return std::nullopt;
    return Stamp{get_u64(stamp),
                 Instant{Duration(static_cast<std::int64_t>(get_u64(stamp.subspan(8))))}};
}

bool NonceBook::take_count(Used& used, std::uint32_t count) {
    if (count == 0) count = std::numeric_limits<std::uint32_t>::max();  // nothing comes after it
    if (count > used.highest) {
        const auto step = count - used.highest;
        used.window = step < 64 ? used.window << step : 0;
        used.window |= 1;
        // A nonce that was used up has no counts left below its highest either.
        if (count == std::numeric_limits<std::uint32_t>::max()) used.window = ~std::uint64_t{0};
        used.highest = count;
        return true;
    }
    const auto age = used.highest - count;
    if (age >= 64 || (used.window >> age & 1) != 0) return false;
    used.window |= std::uint64_t{1} << age;
    return true;
}

// Nothing when the table is full of younger nonces. A nonce that was pushed out is older than all
// that are in from then on, so it never comes in again.
NonceBook::Used* NonceBook::remember(std::string_view nonce, const Stamp& stamp) {
    const auto at = used_.emplace(stamp.serial, Used{std::string(nonce), stamp.issued, 0, 0}).first;
    serials_.emplace(at->second.text, stamp.serial);
    if (used_.size() <= limits_.tracked) return &at->second;
    const auto oldest = used_.begin();
    const bool is_ours = oldest == at;
    serials_.erase(oldest->second.text);
    used_.erase(oldest);
    return is_ours ? nullptr : &at->second;
}

NonceVerdict NonceBook::take(std::string_view nonce, std::uint32_t nonce_count, Instant now) {
    Used* used = nullptr;
    if (const auto known = serials_.find(nonce); known != serials_.end()) {
        used = &used_.find(known->second)->second;
    } else {
        const auto stamp = read(nonce);
        if (!stamp) return NonceVerdict::forged;
        if (now - stamp->issued <= limits_.lifetime) used = remember(nonce, *stamp);
    }
    if (used == nullptr || now - used->issued > limits_.lifetime) return NonceVerdict::stale;
    return take_count(*used, nonce_count) ? NonceVerdict::fresh : NonceVerdict::stale;
}

}  // namespace sluice::http
