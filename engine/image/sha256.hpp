#pragma once
// SHA-256 over bytes that come in parts: whole images that never fit into memory, at the packer
// and at the installer. sha256() in merkle.hpp is for bytes that are all there.

#include <memory>

#include "engine/base/bytes.hpp"
#include "engine/image/digest.hpp"

namespace sluice::image {

class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(ByteView bytes);
    // The digest of all that came since construction or the last finish(); starts afresh.
    Digest finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace sluice::image
