#include "engine/rollout/canaries.hpp"

namespace sluice::rollout {

Canaries::Count Canaries::count(ModelNumber model, SiteKind kind) const {
    const auto at = counts_.find({model, kind});
    return at == counts_.end() ? Count{} : at->second;
}

Canaries::Word Canaries::ask(ModelNumber model, SiteKind kind, std::uint32_t wanted) const {
    const auto held = count(model, kind);
    if (held.passed >= wanted) return Word::may_go;
    if (held.faulted >= wanted) return Word::to_origin;
    return held.trying + held.passed < wanted ? Word::may_go : Word::must_wait;
}

void Canaries::restore(ModelNumber model, SiteKind kind, std::uint32_t passed,
                       std::uint32_t faulted) {
    auto& held = counts_[{model, kind}];
    held.passed = passed;
    held.faulted = faulted;
}

void Canaries::on_proof(ModelNumber model, SiteKind kind, Proof from, Proof to) {
    auto& held = counts_[{model, kind}];
    const auto of = [&](Proof proof) -> std::uint32_t& {
        return proof == Proof::trying   ? held.trying
               : proof == Proof::passed ? held.passed
                                        : held.faulted;
    };
    if (from != Proof::none) --of(from);
    if (to != Proof::none) ++of(to);
}

}  // namespace sluice::rollout
