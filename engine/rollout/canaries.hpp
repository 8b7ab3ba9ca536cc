#pragma once
// Whether plain CPEs of a model may be sent to masters at a kind of site: only once so many of them
// did download from one (DESIGN §5). Until then so many at a time try; when as many failed and not
// enough succeeded, the model goes to the origin there.

#include <cstdint>
#include <map>
#include <utility>

#include "engine/rollout/record.hpp"

namespace sluice::rollout {

class Canaries {
public:
    explicit Canaries(std::uint32_t wanted) : wanted_(wanted) {}

    enum class Word : std::uint8_t { may_go, must_wait, to_origin };
    Word ask(ModelNumber model, SiteKind kind) const;

    // A device's proof changed; true when others may now hear another word.
    bool on_proof(ModelNumber model, SiteKind kind, Proof from, Proof to);

private:
    struct Count {
        std::uint32_t trying = 0, passed = 0, faulted = 0;
        std::uint32_t& of(Proof proof) {
            return proof == Proof::trying ? trying : proof == Proof::passed ? passed : faulted;
        }
    };
    std::uint32_t wanted_;
    std::map<std::pair<ModelNumber, SiteKind>, Count> counts_;
};

}  // namespace sluice::rollout
