#include "acs-plugin/backup/ticket.hpp"

#include <algorithm>
#include <cryptopp/hmac.h>
#include <cryptopp/sha.h>

#include "engine/http/text.hpp"
#include "engine/image/merkle.hpp"

namespace sluice::backup {
namespace {

constexpr std::size_t kSeal = 16;
constexpr std::size_t kTag = 12;
constexpr std::size_t kFixed = 1 + 4 + 8 + kTag;  // before what differs by kind
constexpr std::size_t kMaxBytes = kFixed + kMaxRollout + kSeal;
constexpr std::size_t kMaxToken = (kMaxBytes * 4 + 2) / 3;
constexpr std::size_t kMaxTarget = 512;
constexpr std::size_t kMaxName = 140;
constexpr std::size_t kPassword = 32;

std::array<std::uint8_t, 32> mac(const Key& key, ByteView bytes) {
    std::array<std::uint8_t, 32> out;
    CryptoPP::HMAC<CryptoPP::SHA256> hmac(key.data(), key.size());
    hmac.Update(bytes.data(), bytes.size());
    hmac.Final(out.data());
    return out;
}

void append_number(Bytes& out, std::uint64_t number, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(number >> shift & 0xff));
}

std::uint64_t take_number(ByteView& from, std::size_t bytes) {
    std::uint64_t out = 0;
    for (const auto byte : from.first(bytes)) out = out << 8 | byte;
    from = from.subspan(bytes);
    return out;
}

bool is_token_char(char c) {
    return http::is_digit(c) || http::is_letter(c) || c == '_' || c == '-';
}

}  // namespace

std::array<std::uint8_t, 12> tag_of(std::string_view identity) {
    std::array<std::uint8_t, kTag> out;
    const auto digest = image::sha256(as_bytes(identity)).bytes;
    std::copy_n(digest.begin(), out.size(), out.begin());
    return out;
}

TicketBook::TicketBook(const KeyRing& keys) {
    const auto seals = keys.derived("sluice-ticket-seal-v1");
    const auto passwords = keys.derived("sluice-ticket-password-v1");
    for (std::size_t i = 0; i < seals.size(); ++i) keys_.push_back({seals[i], passwords[i]});
}

std::string TicketBook::token(const Claim& claim) const {
    Bytes out{static_cast<std::uint8_t>(claim.way)};
    append_number(out, claim.number, 4);
    append_number(out, static_cast<std::uint64_t>(claim.expires.seconds), 8);
    out.insert(out.end(), claim.tag.begin(), claim.tag.end());
    if (claim.way == Way::up) {
        const auto rollout = as_bytes(claim.rollout);
        out.insert(out.end(), rollout.begin(), rollout.end());
    } else {
        append_number(out, claim.backup, 8);
    }
    const auto seal = mac(keys_.front().seal, out);
    out.insert(out.end(), seal.begin(), seal.begin() + kSeal);
    return to_base64url(out);
}

const TicketBook::Keys* TicketBook::keys_of(ByteView sealed) const {
    const auto text = sealed.first(sealed.size() - kSeal);
    for (const auto& keys : keys_)
        if (equal_in_constant_time(ByteView(mac(keys.seal, text)).first(kSeal), sealed.last(kSeal)))
            return &keys;
    return nullptr;
}

std::optional<Claim> TicketBook::read(std::string_view token) const {
    if (token.size() > kMaxToken) return std::nullopt;
    const auto bytes = from_base64url(token);
    if (!bytes || bytes->size() < kFixed + kSeal || keys_of(*bytes) == nullptr) return std::nullopt;
    auto rest = ByteView(*bytes).first(bytes->size() - kSeal);
    Claim out;
    const auto way = take_number(rest, 1);
    out.number = static_cast<std::uint32_t>(take_number(rest, 4));
    out.expires = {static_cast<std::int64_t>(take_number(rest, 8))};
    std::copy_n(rest.begin(), kTag, out.tag.begin());
    rest = rest.subspan(kTag);
    if (way == static_cast<std::uint64_t>(Way::up)) {
        out.rollout = as_text(rest);
    } else {
        if (way != static_cast<std::uint64_t>(Way::down) || rest.size() != 8) return std::nullopt;
        out.way = Way::down;
        out.backup = take_number(rest, 8);
    }
    return out;
}

std::string TicketBook::password(std::string_view token) const {
    const auto bytes = from_base64url(token);
    const auto* keys = bytes && bytes->size() >= kSeal ? keys_of(*bytes) : nullptr;
    const auto& key = keys == nullptr ? keys_.front().password : keys->password;
    return to_base64url(mac(key, as_bytes(token))).substr(0, kPassword);
}

std::optional<DoorTarget> parse_door_target(std::string_view target) {
    if (target.size() > kMaxTarget) return std::nullopt;
    target = target.substr(0, target.find('?'));
    const bool is_up = target.starts_with("/u/");
    if (!is_up && !target.starts_with("/c/")) return std::nullopt;
    target.remove_prefix(3);
    const auto slash = target.find('/');
    if (slash == std::string_view::npos || slash == 0 || slash > kMaxToken) return std::nullopt;
    const auto token = target.substr(0, slash), name = target.substr(slash + 1);
    const auto is_name_char = [](char c) { return is_token_char(c) || c == '.'; };
    if (name.empty() || name.size() > kMaxName || name.front() == '.') return std::nullopt;
    if (!std::ranges::all_of(token, is_token_char) || !std::ranges::all_of(name, is_name_char))
        return std::nullopt;
    return DoorTarget{is_up ? Way::up : Way::down, token};
}

}  // namespace sluice::backup
