// What one ACS node hears from another: frames, and the values in them.

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "acs-plugin/cluster/messages.hpp"

namespace {

using namespace sluice;

void require(bool holds) {
    if (!holds) std::abort();
}

// What was taken is said again in words that mean the same.
template <class Value>
void try_as(const cluster::Message& message) {
    Value value;
    if (!cluster::read(message, value)) return;
    const auto said = cluster::to_message(value);
    Value again;
    require(cluster::read(said, again));
    require(cluster::to_frame(cluster::to_message(again)) == cluster::to_frame(said));
}

void try_as_any(const cluster::Message& message) {
    try_as<service::Contact>(message);
    try_as<service::DeviceRow>(message);
    try_as<service::DeviceOrder>(message);
    try_as<service::OrderAnswer>(message);
    try_as<service::Grant>(message);
    try_as<service::ImageRow>(message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto message =
        cluster::from_frame(std::string(reinterpret_cast<const char*>(data), size));
    if (!message) return 0;
    try_as_any(*message);
    for (const auto& part : *message)
        if (part.is_object()) try_as_any(part);
    return 0;
}
