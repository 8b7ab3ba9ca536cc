#pragma once
// What happened in a run, as one number: two runs with the same hash had the same events and the
// same actions in the same order. With a stream, also as text, a line each, for reading a failure.

#include <cstdint>
#include <iosfwd>
#include <string>

#include "sim/world/observer.hpp"

namespace sluice::sim::world {

std::string describe(const transfer::Event& event);
std::string describe(const transfer::Action& action);
std::string describe(const serving::Event& event);
std::string describe(const serving::Action& action);
std::string describe(const install::Event& event);
std::string describe(const install::Action& action);

class Trace final : public Observer {
public:
    explicit Trace(std::ostream* text = nullptr) : text_(text) {}
    std::uint64_t hash() const { return hash_; }

    void on_fault(const Fault& fault, Instant now) override;
    void on_boot(const Host& host, Instant now) override;
    void on_down(const Host& host, Instant now) override;
    void on_lost(const Host& host, PieceIndex piece, Instant now) override;
    void on_event(const Host& host, const transfer::Event& event, Instant now) override;
    void on_action(const Host& host, const transfer::Action& action, Instant now) override;
    void on_event(const Host& host, const serving::Event& event, Instant now) override;
    void on_action(const Host& host, const serving::Action& action, Instant now) override;
    void on_event(const Host& host, const install::Event& event, Instant now) override;
    void on_action(const Host& host, const install::Action& action, Instant now) override;

private:
    void note(const Host& host, Instant now, const char* what, const std::string& text);

    std::ostream* text_;
    std::uint64_t hash_ = 0;
};

}  // namespace sluice::sim::world
