#pragma once
// Whether plain CPEs of a model may be sent to masters at a kind of site: only once so many of them
// did download from one (DESIGN §5). Until then so many at a time try; when as many failed and not
// enough succeeded, the model goes to the origin there. What was shown once holds for all rollouts:
// they share one of these, and whoever keeps it gives back what passed and what failed.

#include <cstdint>
#include <map>
#include <utility>

#include "engine/rollout/record.hpp"

namespace sluice::rollout {

class Canaries {
public:
    struct Count {
        std::uint32_t trying = 0, passed = 0, faulted = 0;
    };
    enum class Word : std::uint8_t { may_go, must_wait, to_origin };

    // `wanted`: how many the asking rollout wants to have seen.
    Word ask(ModelNumber model, SiteKind kind, std::uint32_t wanted) const;
    Count count(ModelNumber model, SiteKind kind) const;
    void restore(ModelNumber model, SiteKind kind, std::uint32_t passed, std::uint32_t faulted);
    // A device's proof changed.
    void on_proof(ModelNumber model, SiteKind kind, Proof from, Proof to);

private:
    std::map<std::pair<ModelNumber, SiteKind>, Count> counts_;
};

}  // namespace sluice::rollout
