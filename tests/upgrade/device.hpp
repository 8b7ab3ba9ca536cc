#pragma once
// A device and its servers for the procedure to be run against, in virtual time: two slots, a
// configuration that the new image may lose or not be able to read, power cuts that let what is
// under way happen or not, answers that are lost, and an ACS that restarts from its last record.

#include <array>
#include <string>

#include "engine/base/rng.hpp"
#include "engine/upgrade/procedure.hpp"

namespace sluice::upgrade {

struct World {
    // How often, of 1: drawn by the seed, so that calm and wild runs both occur.
    double power_cut = 0, acs_restart = 0, lost_answer = 0, step_fails = 0, bad_backup = 0;
    bool is_image_bad = false;         // the new image is never healthy: the loader goes back
    bool loses_configuration = false;  // at the first boot of the new image
    bool needs_conversion = false;     // the new image reads another format, the old one its own
};

class Device {
public:
    Device(const World& world, const Policy& policy, Rng& rng)
        : world_(world), policy_(policy), rng_(rng) {}

    // What comes of a step; nothing: power was cut, or the answer was lost.
    std::optional<Event> carry_out(const Do& what);

    bool has_whole_image() const { return slots_[active_] != Image::torn; }
    bool runs_new() const { return slots_[active_] == Image::wanted; }
    bool has_its_configuration() const {
        const bool is_new_format = runs_new() && world_.needs_conversion;
        return configuration_ == (is_new_format ? "2:users=7" : "1:users=7");
    }

private:
    enum class Image : std::uint8_t { kept, wanted, torn };

    bool happens(double probability) { return rng_.uniform() < probability; }
    Outcome do_step(Step step, bool is_cut);
    Outcome write_slot(bool is_cut);
    void boot(std::size_t slot);
    Outcome settle(std::string configuration, bool is_cut);

    const World& world_;
    const Policy& policy_;
    Rng& rng_;
    // The device.
    std::array<Image, 2> slots_ = {Image::kept, Image::torn};
    std::size_t active_ = 0;
    bool is_reverted_ = false;
    std::string configuration_ = "1:users=7";
    // The servers.
    std::string backup_, converted_;
};

}  // namespace sluice::upgrade
