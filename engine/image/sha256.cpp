#include "engine/image/sha256.hpp"

#include <cryptopp/sha.h>

namespace sluice::image {

struct Sha256::State {
    CryptoPP::SHA256 hash;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(ByteView bytes) {
    state_->hash.Update(bytes.data(), bytes.size());
}

Digest Sha256::finish() {
    Digest out;
    state_->hash.Final(out.bytes.data());
    return out;
}

}  // namespace sluice::image
