#pragma once
// The keys that backups are sealed with (AES-256-GCM), kept in a file of the operator's apart from
// the store: who has the one alone reads no subscriber's configuration.
//
//     # id:64 hex digits, one a line; the first seals, all of them open
//     summer-2026:6f1c…
//     spring-2026:a90b…
//
// A key is changed by a new first line and `sluice backup rotate`; an old line may go once nothing
// is sealed with it any more. sluice-acs and sluice-iad use the same file and the same form.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"

namespace sluice::backup {

// What sealed bytes are bound to: under another label they do not open.
struct Label {
    std::string_view identity;
    std::uint64_t id = 0;
    std::uint64_t length = 0;  // in clear
};

using Nonce = std::array<std::uint8_t, 12>;  // random, for each sealing
using Key = std::array<std::uint8_t, 32>;

// What sealing adds to the length: form, nonce, tag.
inline constexpr std::size_t kSealSize = 1 + 12 + 16;

class KeyRing {
public:
    static constexpr std::size_t kMaxKeys = 64;
    static constexpr std::size_t kMaxId = 32;  // of [A-Za-z0-9._-]

    // Errors name the line. At least one key; no id and no key twice.
    static Result<KeyRing> parse(std::string_view text);
    static Result<KeyRing> read(const std::string& path);

    const std::string& first() const { return entries_.front().id; }
    bool has(std::string_view id) const { return find(id) != nullptr; }

    // With the first key.
    std::string seal(ByteView clear, const Label& label, const Nonce& nonce) const;
    // The error says whether there is no such key, or the bytes are not what was sealed.
    Result<Bytes> open(std::string_view key_id, std::string_view sealed, const Label& label) const;

    // By whichever key: while a rotation runs a row may be a moment ahead of its bytes.
    Result<Bytes> open_by_any(std::string_view sealed, const Label& label) const;

    // Each key's own for another purpose, in the order of the file.
    std::vector<Key> derived(std::string_view purpose) const;

private:
    struct Entry {
        std::string id;
        Key key;
    };
    const Entry* find(std::string_view id) const;

    std::vector<Entry> entries_;
};

}  // namespace sluice::backup
