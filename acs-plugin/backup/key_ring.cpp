#include "acs-plugin/backup/key_ring.hpp"

#include <algorithm>
#include <cryptopp/aes.h>
#include <cryptopp/gcm.h>
#include <cryptopp/hkdf.h>
#include <cryptopp/sha.h>

#include "engine/http/text.hpp"
#include "engine/net/input_file.hpp"

namespace sluice::backup {
namespace {

using CryptoPP::AES;
using CryptoPP::GCM;

constexpr std::size_t kMaxFile = 16 * 1024;
constexpr std::size_t kTag = 16;
constexpr std::uint8_t kForm = 1;  // AES-256-GCM, and the label below
constexpr std::string_view kPurpose = "sluice-backup-v1";

bool is_id(std::string_view id) {
    return !id.empty() && id.size() <= KeyRing::kMaxId && std::ranges::all_of(id, [](char c) {
        return http::is_letter(c) || http::is_digit(c) || c == '.' || c == '_' || c == '-';
    });
}

void append_number(std::string& out, std::uint64_t number) {
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(number >> shift & 0xff);
}

// Identity last: it alone has no fixed length.
std::string text_of(const Label& label) {
    std::string out(kPurpose);
    append_number(out, label.id);
    append_number(out, label.length);
    return out + std::string(label.identity);
}

std::string_view take_line(std::string_view& text) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = http::trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

}  // namespace

// --- the file ---------------------------------------------------------------------------------

Result<KeyRing> KeyRing::parse(std::string_view text) {
    KeyRing out;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto line = take_line(text);
        if (line.empty() || line.front() == '#') continue;
        const auto at = "line " + std::to_string(number) + ": ";
        const auto colon = std::min(line.find(':'), line.size());
        const auto id = line.substr(0, colon);
        const auto raw = from_hex(line.substr(std::min(colon + 1, line.size())));
        if (!is_id(id) || !raw || raw->size() != Key{}.size())
            return Error{at + "is not an id of [A-Za-z0-9._-], a colon and 64 hex digits"};
        Entry entry{std::string(id), {}};
        std::ranges::copy(*raw, entry.key.begin());
        for (const auto& other : out.entries_)
            if (other.id == entry.id || other.key == entry.key)
                return Error{at + "its id or its key is there already, as '" + other.id + "'"};
        if (out.entries_.size() == kMaxKeys)
            return Error{at + "more than " + std::to_string(kMaxKeys) + " keys"};
        out.entries_.push_back(std::move(entry));
    }
    if (out.entries_.empty()) return Error{"holds no key"};
    return out;
}

Result<KeyRing> KeyRing::read(const std::string& path) {
    SLUICE_TRY(const auto text, net::read_input_file(path, kMaxFile));
    auto out = parse(text);
    if (!out.has_value()) return std::move(out.error()).within(path);
    return out;
}

const KeyRing::Entry* KeyRing::find(std::string_view id) const {
    const auto at = std::ranges::find(entries_, id, &Entry::id);
    return at == entries_.end() ? nullptr : &*at;
}

// --- sealing ----------------------------------------------------------------------------------

std::string KeyRing::seal(ByteView clear, const Label& label, const Nonce& nonce) const {
    const auto& key = entries_.front().key;
    const auto bound = text_of(label);
    std::string out(kSealSize + clear.size(), '\0');
    auto* at = reinterpret_cast<std::uint8_t*>(out.data());
    *at = kForm;
    std::ranges::copy(nonce, at + 1);
    auto* cipher = at + 1 + nonce.size();
    GCM<AES>::Encryption gcm;
    gcm.SetKeyWithIV(key.data(), key.size(), nonce.data(), nonce.size());
    gcm.EncryptAndAuthenticate(cipher, cipher + clear.size(), kTag, nonce.data(),
                               static_cast<int>(nonce.size()), as_bytes(bound).data(), bound.size(),
                               clear.data(), clear.size());
    return out;
}

Result<Bytes> KeyRing::open(std::string_view key_id, std::string_view sealed,
                            const Label& label) const {
    const auto* entry = find(key_id);
    if (entry == nullptr)
        return Error{"the key ring has no key '" + std::string(key_id.substr(0, kMaxId)) + "'"};
    const auto bytes = as_bytes(sealed);
    if (bytes.size() != kSealSize + label.length || bytes.front() != kForm)
        return Error{"is not what was sealed"};
    const auto nonce = bytes.subspan(1, Nonce{}.size());
    const auto cipher = bytes.subspan(1 + nonce.size(), label.length);
    const auto tag = bytes.last(kTag);
    const auto bound = text_of(label);
    Bytes out(cipher.size());
    GCM<AES>::Decryption gcm;
    gcm.SetKeyWithIV(entry->key.data(), entry->key.size(), nonce.data(), nonce.size());
    const bool is_whole = gcm.DecryptAndVerify(
        out.data(), tag.data(), tag.size(), nonce.data(), static_cast<int>(nonce.size()),
        as_bytes(bound).data(), bound.size(), cipher.data(), cipher.size());
    if (!is_whole) return Error{"is not what was sealed"};
    return out;
}

Result<Bytes> KeyRing::open_by_any(std::string_view sealed, const Label& label) const {
    for (const auto& entry : entries_)
        if (auto out = open(entry.id, sealed, label); out.has_value()) return out;
    return Error{"is not what was sealed"};
}

std::vector<Key> KeyRing::derived(std::string_view purpose) const {
    std::vector<Key> out;
    for (const auto& entry : entries_)
        CryptoPP::HKDF<CryptoPP::SHA256>().DeriveKey(out.emplace_back().data(), Key{}.size(),
                                                     entry.key.data(), entry.key.size(), nullptr, 0,
                                                     as_bytes(purpose).data(), purpose.size());
    return out;
}

}  // namespace sluice::backup
