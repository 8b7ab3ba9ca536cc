#include "engine/upgrade/record.hpp"

namespace sluice::upgrade {

std::string_view name_of(End end) {
    switch (end) {
        case End::none:
            return "none";
        case End::done:
            return "done";
        case End::unchanged:
            return "unchanged";
        case End::rolled_back:
            return "rolled back";
        case End::abandoned:
            return "abandoned";
    }
    return "none";
}

std::string_view describe(Reason reason) {
    switch (reason) {
        case Reason::none:
            return "";
        case Reason::no_end:
            return "it did not end in the time set";
        case Reason::failure:
            return "it failed";
        case Reason::refusal:
            return "it was refused";
        case Reason::not_the_same:
            return "what was read back is not what was sent";
        case Reason::reverted:
            return "the device went back to the image it had";
        case Reason::no_backup:
            return "a backup is required, and the device cannot upload its configuration";
        case Reason::no_kept_image:
            return "the device does not keep the image that it runs";
        case Reason::already_there:
            return "the device runs the wanted version";
        case Reason::declined:
            return "the operator declined";
        case Reason::called_off:
            return "the operator called it off";
    }
    return "";
}

}  // namespace sluice::upgrade
