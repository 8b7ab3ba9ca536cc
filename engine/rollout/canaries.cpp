#include "engine/rollout/canaries.hpp"

namespace sluice::rollout {

Canaries::Word Canaries::ask(ModelNumber model, SiteKind kind) const {
    const auto at = counts_.find({model, kind});
    const auto count = at == counts_.end() ? Count{} : at->second;
    if (count.passed >= wanted_) return Word::may_go;
    if (count.faulted >= wanted_) return Word::to_origin;
    return count.trying + count.passed < wanted_ ? Word::may_go : Word::must_wait;
}

bool Canaries::on_proof(ModelNumber model, SiteKind kind, Proof from, Proof to) {
    const auto before = ask(model, kind);
    auto& count = counts_[{model, kind}];
    if (from != Proof::none) --count.of(from);
    if (to != Proof::none) ++count.of(to);
    return ask(model, kind) != before;
}

}  // namespace sluice::rollout
