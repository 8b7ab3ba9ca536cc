#pragma once
// Key files on the operator's machine, as the commands name them.

#include <vector>

#include "acs-plugin/cli/files.hpp"
#include "engine/image/ed25519.hpp"
#include "engine/image/trust.hpp"

namespace sluice::cli {

// PEM private keys; no key twice.
Result<std::vector<image::SigningKey>> read_signing_keys(const std::vector<Path>& paths);

// A public key (or the public half of a private one), named after its file: "release-a.pub.pem" →
// "release-a".
Result<image::PinnedKey> read_pinned_key(const Path& path);

Result<image::Trust> read_trust(const Path& path);

// 32 bytes from the kernel.
Result<image::SigningKey> make_signing_key();

}  // namespace sluice::cli
