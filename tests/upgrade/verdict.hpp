#pragma once
// What every end of a safe upgrade must leave behind, whatever was cut on the way: of the runs here
// and of those over both southbounds (tests/safe_upgrade).

#include <string>

#include "engine/upgrade/record.hpp"

namespace sluice::upgrade {

// What is wrong; empty: nothing.
inline std::string fault_of_end(End end, bool runs_new, bool has_its_configuration) {
    if (!has_its_configuration) return "its configuration is lost";
    switch (end) {
        case End::done:
            return runs_new ? "" : "done, and runs the old image";
        case End::unchanged:
        case End::rolled_back:
            return runs_new ? "rolled back, and runs the new image" : "";
        case End::abandoned:
        case End::none:
            break;
    }
    return "ended as " + std::string(name_of(end));
}

}  // namespace sluice::upgrade
