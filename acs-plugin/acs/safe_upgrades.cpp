#include "acs-plugin/acs/safe_upgrades.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "acs-plugin/conversion/workshop.hpp"

namespace sluice::acs {
namespace {

constexpr std::size_t kConversionsAtOnce = 4;

}  // namespace

struct SafeUpgrades::Impl {
    explicit Impl(SafeUpgradeParts p) : parts(std::move(p)), upgrades(surroundings()) {}

    upgrade::acs::Surroundings surroundings() {
        upgrade::acs::Surroundings out;
        out.wall_time = parts.wall_time;
        out.commit = parts.commit;
        out.device = [this](const std::string& identity) { return parts.planner.device(identity); };
        out.vault = parts.vault;
        out.conversions = std::move(parts.conversions);
        out.conversions_at_once = kConversionsAtOnce;
        out.convert = [this](const conversion::Conversion& by, std::string configuration,
                             std::function<void(Result<std::string>)> done) {
            convert(by, std::move(configuration), std::move(done));
        };
        return out;
    }

    // A program takes its time: on a thread of its own, and back.
    void convert(const conversion::Conversion& by, std::string configuration,
                 std::function<void(Result<std::string>)> done) {
        workshop.run(by, std::move(configuration), parts.conversion_limit,
                     [this, done = std::move(done)](Result<std::string> made) {
                         auto kept = std::make_shared<Result<std::string>>(std::move(made));
                         boost::asio::post(parts.io, [alive = std::weak_ptr(alive), kept, done] {
                             if (alive.lock()) done(std::move(*kept));
                         });
                     });
    }

    SafeUpgradeParts parts;
    std::shared_ptr<int> alive = std::make_shared<int>(0);
    upgrade::acs::Upgrades upgrades;
    conversion::Workshop workshop{kConversionsAtOnce};  // last: ends first
};

SafeUpgrades::SafeUpgrades(SafeUpgradeParts parts)
    : impl_(std::make_unique<Impl>(std::move(parts))) {
    impl_->parts.planner.set_safeguard(impl_->upgrades);
}
SafeUpgrades::~SafeUpgrades() = default;

upgrade::acs::Upgrades& SafeUpgrades::all() {
    return impl_->upgrades;
}

}  // namespace sluice::acs
