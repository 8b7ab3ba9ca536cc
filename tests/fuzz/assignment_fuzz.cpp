// The Assignment comes over the network. Whatever parses says the same again after a round trip,
// and keeps the bounds that sessions rely on.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/planning/assignment_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluice::planning;
    const auto first = parse_assignment({reinterpret_cast<const char*>(data), size});
    if (!first.has_value()) {
        if (first.error().message.empty()) std::abort();
        return 0;
    }
    const auto& a = first.value();
    if (a.sources.empty() || a.sources.size() > kMaxSources) std::abort();
    const auto text = to_json(a);
    const auto second = parse_assignment(text);
    if (!second.has_value() || to_json(second.value()) != text) std::abort();
    return 0;
}
