#pragma once
// Judges of a simulated world. Each watches one promise, at every step, and knows nothing of how
// the machines keep it. The first breach of each is kept as a line for a person; a run with a
// breach has failed, whatever else it reached.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/world/observer.hpp"

namespace sluice::sim::world {

class World;

class Oracle : public Observer {
public:
    // Empty while the promise holds.
    const std::string& breach() const { return breach_; }

protected:
    void accuse(const Host& host, Instant now, const std::string& what);
    void accuse(Instant now, const std::string& what);

private:
    std::string breach_;
};

// Only bytes of pieces that were checked and are right are sent, reported or called finished.
std::unique_ptr<Oracle> make_verified_oracle(const World& world);
// Every byte that left a server was received, lost with its connection, or is under way; and the
// links moved exactly those.
std::unique_ptr<Oracle> make_conservation_oracle(const World& world);
// Who was banned is not asked again; who gave a piece that was proven wrong is banned at once; who
// never lied is not banned.
std::unique_ptr<Oracle> make_ban_oracle(const World& world);
// A session takes no more of the origin than its budget.
std::unique_ptr<Oracle> make_budget_oracle(const World& world);
// Requests: ids are new, runs are missing pieces, no piece is asked for twice beside one hedge of
// the tail, each piece that arrives is verified once.
std::unique_ptr<Oracle> make_request_oracle(const World& world);
// Whenever power is cut or a step is taken, the boot loader would start a whole image; what it
// starts is right; and a bad image never stays.
std::unique_ptr<Oracle> make_boot_oracle(const World& world);
// Without progress, questions come at a bounded rate: nobody storms a peer or the origin.
std::unique_ptr<Oracle> make_storm_oracle(const World& world);

// All of them, added to the world; they live as long as it does.
class Oracles {
public:
    explicit Oracles(World& world);
    // The breaches, a line each; empty while all is well.
    std::string breaches() const;
    bool is_content() const;

private:
    std::vector<std::unique_ptr<Oracle>> all_;
};

}  // namespace sluice::sim::world
