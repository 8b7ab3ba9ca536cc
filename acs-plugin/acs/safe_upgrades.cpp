#include "acs-plugin/acs/safe_upgrades.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "acs-plugin/store/job_thread.hpp"

namespace sluice::acs {
namespace {

constexpr Duration kConversionLimit = std::chrono::minutes(1);

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
        out.convert = [this](const conversion::Conversion& by, std::string configuration,
                             std::function<void(Result<std::string>)> done) {
            convert(by, std::move(configuration), std::move(done));
        };
        return out;
    }

    // A program may take a minute: on a thread of its own, and back.
    void convert(const conversion::Conversion& by, std::string configuration,
                 std::function<void(Result<std::string>)> done) {
        jobs.run([this, by, configuration = std::move(configuration), done = std::move(done)] {
            auto made = std::make_shared<Result<std::string>>(
                conversion::convert(by, configuration, kConversionLimit));
            boost::asio::post(parts.io, [alive = std::weak_ptr(alive), made, done] {
                if (alive.lock()) done(std::move(*made));
            });
        });
    }

    SafeUpgradeParts parts;
    std::shared_ptr<int> alive = std::make_shared<int>(0);
    upgrade::acs::Upgrades upgrades;
    store::JobThread jobs;  // last: ends first
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
