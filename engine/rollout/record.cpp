#include "engine/rollout/record.hpp"

#include <algorithm>

namespace sluice::rollout {

std::string_view name_of(State state) {
    return kStateNames[static_cast<std::size_t>(state)];
}

std::optional<State> state_named(std::string_view name) {
    const auto at = std::find(kStateNames.begin(), kStateNames.end(), name);
    if (at == kStateNames.end()) return std::nullopt;
    return static_cast<State>(at - kStateNames.begin());
}

std::string_view describe(Reason reason) {
    switch (reason) {
        case Reason::none:
            return "";
        case Reason::fault:
            return "the device reports a fault";
        case Reason::no_word:
            return "took the order and never said how it ended";
        case Reason::not_applied:
            return "says that it applied the image, and runs the old version";
        case Reason::fell_back:
            return "fell back to the old version";
        case Reason::unhealthy:
            return "runs the new version and is not healthy";
        case Reason::silent:
            return "not heard of since";
        case Reason::not_seen:
            return "not heard of, never ordered";
        case Reason::superseded:
            return "another rollout brings a newer image";
        case Reason::unchanged:
            return "the upgrade was not begun on it";
        case Reason::rolled_back:
            return "rolled back";
        case Reason::abandoned:
            return "left as it was, while it was being rolled back";
        case Reason::other_image:
            return "upgraded to another image, which an operator chose";
        case Reason::unfit:
            return "the rollout is not for what it reports now";
    }
    return "";
}

}  // namespace sluice::rollout
