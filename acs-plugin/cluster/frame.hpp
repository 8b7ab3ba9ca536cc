#pragma once
// What goes over a link between nodes: CBOR maps, additive, as all wire formats of ours. What comes
// is from a node that knows the secret, and is bounded and checked all the same.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace sluice::cluster {

// Nodes of another number do not talk: the release notes say how to go from one to the next.
inline constexpr int kVersion = 1;

using Message = nlohmann::json;
inline constexpr std::uint32_t kMaxFrame = 5 * 1024 * 1024;  // a configuration has 4 MiB

std::string to_frame(const Message& message);
// A map; nothing: no CBOR, or something else.
std::optional<Message> from_frame(const std::string& frame);

// A text or number of a message; empty or 0 where there is none.
std::string text_of(const Message& message, const char* name);
std::uint64_t number_of(const Message& message, const char* name);
bool is_on(const Message& message, const char* name);

}  // namespace sluice::cluster
