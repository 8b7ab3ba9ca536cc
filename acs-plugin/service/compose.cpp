#include "acs-plugin/service/compose.hpp"

#include "engine/serving/credentials.hpp"

namespace sluice::service {

Result<void> add_secrets(planning::Assignment& assignment, const std::string& name,
                         std::span<const std::string> servers, const RolloutSecrets& secrets) {
    if (assignment.serving)
        assignment.serving->master_key_hex = to_hex(serving::derive_master_key(secrets.key, name));
    for (std::size_t s = 0; s < assignment.sources.size(); ++s) {
        auto& source = assignment.sources[s];
        if (source.kind == planning::SourceKind::origin) continue;
        SLUICE_TRY(
            auto minted,
            serving::mint(serving::derive_master_key(secrets.key, servers[s]), assignment.image,
                          {assignment.rollout, assignment.short_id, secrets.expires}));
        source.username = std::move(minted.username);
        source.password = std::move(minted.password);
    }
    return success();
}

Result<planning::Assignment> compose(const planning::SitePlan& plan, std::size_t rank,
                                     const RolloutSecrets& secrets) {
    const auto& from = plan.members[rank];
    auto out = from.assignment;
    std::vector<std::string> servers;
    for (const auto m : from.source_members)
        servers.push_back(m == planning::kFromOrigin ? "" : plan.members[m].member.name);
    SLUICE_CHECK(add_secrets(out, from.member.name, servers, secrets));
    return out;
}

}  // namespace sluice::service
