#pragma once
// What a run needs of a southbound: the device's end, which survives on the box's disk, and the
// server's end, which carries out what the procedure has open.

#include <memory>

#include "engine/base/rng.hpp"
#include "tests/safe_upgrade/box.hpp"
#include "tests/safe_upgrade/keeper.hpp"

namespace sluice::upgrade {

class Southbound {
public:
    virtual ~Southbound() = default;
    // The device's program on a box that has started. False: stopped on the way.
    virtual bool device_started() = 0;
    virtual void server_started() = 0;
    // One exchange between both, and what follows on either side: events for the procedure go into
    // the keeper. Either may be down when it returns.
    virtual void turn(Instant now) = 0;
};

struct Parts {
    const World& world;
    Rng& rng;
    Box& box;
    Keeper& keeper;
    const Policy& policy;

    bool is_lost() const { return rng.uniform() < world.lost_word; }
    bool is_down() const { return box.is_down() || keeper.disk.is_off(); }
};

std::unique_ptr<Southbound> over_snmp(const Parts& parts);
std::unique_ptr<Southbound> over_cwmp(const Parts& parts);

// --- what both do at the server ------------------------------------------------------------------

// verify_backup, convert: the server's own steps.
bool is_at_server(Step step);
Ended do_at_server(const Parts& parts, const Do& what);
// What a look shows, for the steps that look at the device.
bool is_look(Step step);
Event judge_look(const Parts& parts, const Do& what);
// A file reached the file server, where it may rot.
Result<void> take_backup(const Parts& parts, Bytes bytes);
// What restore and put_back send.
Result<Bytes> to_be_restored(const Parts& parts, Step step);

}  // namespace sluice::upgrade
