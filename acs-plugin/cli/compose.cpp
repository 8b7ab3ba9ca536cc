#include "acs-plugin/cli/compose.hpp"

#include "engine/serving/credentials.hpp"

namespace sluice::cli {

Result<planning::Assignment> compose(const planning::SitePlan& plan, std::size_t rank,
                                     const RolloutSecrets& secrets) {
    const auto& from = plan.members[rank];
    auto out = from.assignment;
    if (out.serving)
        out.serving->master_key_hex =
            to_hex(serving::derive_master_key(secrets.key, from.member.name));
    for (std::size_t s = 0; s < out.sources.size(); ++s) {
        if (out.sources[s].kind == planning::SourceKind::origin) continue;
        const auto& server = plan.members[from.source_members[s]].member.name;
        SLUICE_TRY(auto minted,
                   serving::mint(serving::derive_master_key(secrets.key, server), out.image,
                                 serving::PeerName{out.rollout, out.short_id, secrets.expires}));
        out.sources[s].username = std::move(minted.username);
        out.sources[s].password = std::move(minted.password);
    }
    return out;
}

}  // namespace sluice::cli
