#pragma once
// std::visit with one arm an alternative. Arms for Event and Action are written without a
// default (no generic lambda), so a new alternative breaks every shell's build until handled.

namespace sluice {

template <class... Arms>
struct Overloaded : Arms... {
    using Arms::operator()...;
};
template <class... Arms>
Overloaded(Arms...) -> Overloaded<Arms...>;

}  // namespace sluice
