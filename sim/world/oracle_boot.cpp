#include "sim/world/host.hpp"
#include "sim/world/oracle.hpp"
#include "sim/world/world.hpp"

namespace sluice::sim::world {
namespace {

class BootOracle final : public Oracle {
public:
    explicit BootOracle(const World& world) : world_(world) {}

    // A cut is a fault: what it left is seen in the same step, before anything can mend it.
    void on_step(Instant now) override {
        if (!is_news_) return;
        is_news_ = false;
        for (std::uint32_t h = 0; h < world_.host_count(); ++h) {
            const auto& host = world_.host(HostIndex{h});
            if (host.spec().install_after) check(host, now);
        }
    }
    void on_fault(const Fault&, Instant) override { is_news_ = true; }
    void on_event(const Host&, const install::Event&, Instant) override { is_news_ = true; }
    void on_boot(const Host& host, Instant now) override {
        is_news_ = true;
        if (!host.flash().image_in(host.running())) accuse(host, now, "runs half an image");
    }

    using Oracle::on_event;

private:
    void check(const Host& host, Instant now) {
        const auto& flash = host.flash();
        if (!flash.record()) return accuse(host, now, "has no boot record left");
        if (!flash.next_boot().is_whole) accuse(host, now, "would boot half an image");
        if (host.is_up() && !flash.image_in(host.running())) {
            accuse(host, now, "writes over the slot it runs from");
        }
    }

    const World& world_;
    bool is_news_ = true;
};

}  // namespace

std::unique_ptr<Oracle> make_boot_oracle(const World& world) {
    return std::make_unique<BootOracle>(world);
}

}  // namespace sluice::sim::world
