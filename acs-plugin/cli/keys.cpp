#include "acs-plugin/cli/keys.hpp"

#include <cerrno>
#include <cstring>
#include <set>
#include <sys/random.h>

#include "engine/image/key_file.hpp"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kMaxKeyFile = 4096;

std::string name_of(const Path& path) {
    auto name = path.filename().string();
    for (const std::string_view ending : {".pem", ".pub"})
        if (name.size() > ending.size() && name.ends_with(ending))
            name.resize(name.size() - ending.size());
    return name;
}

}  // namespace

Result<std::vector<image::SigningKey>> read_signing_keys(const std::vector<Path>& paths) {
    std::vector<image::SigningKey> out;
    std::set<image::PublicKey> seen;
    for (const auto& path : paths) {
        SLUICE_TRY(const auto text, read_file(path, kMaxKeyFile));
        auto key = image::parse_private_pem(text);
        if (!key) return std::move(key).error().within(path.string());
        if (!seen.insert(key.value().public_key()).second)
            return Error{path.string() + ": this key was already given"};
        out.push_back(std::move(key).value());
    }
    return out;
}

Result<image::PinnedKey> read_pinned_key(const Path& path) {
    SLUICE_TRY(const auto text, read_file(path, kMaxKeyFile));
    if (const auto key = image::parse_private_pem(text))
        return image::PinnedKey{key.value().public_key(), name_of(path)};
    auto key = image::parse_public_pem(text);
    if (!key) return std::move(key).error().within(path.string());
    return image::PinnedKey{key.value(), name_of(path)};
}

Result<image::Trust> read_trust(const Path& path) {
    SLUICE_TRY(const auto text, read_file(path, image::kMaxEnvelope));
    auto trust = image::load_trust(text);
    if (!trust) return image::to_error(trust.error()).within(path.string());
    return std::move(trust).value();
}

Result<image::SigningKey> make_signing_key() {
    std::array<std::uint8_t, image::SigningKey::kSeedLength> seed{};
    // Up to 256 bytes come whole or not at all (getrandom(2)).
    while (::getrandom(seed.data(), seed.size(), 0) < 0)
        if (errno != EINTR) return Error{std::string("no random numbers: ") + std::strerror(errno)};
    auto key = image::SigningKey::from_seed(seed);
    ::explicit_bzero(seed.data(), seed.size());
    return std::move(*key);
}

}  // namespace sluice::cli
