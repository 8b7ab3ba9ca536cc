#pragma once
// What a node gives of the published files that it has to another that lacks them, a portion a
// question: any node, the owner of the store or not. Inside acs-plugin/cluster only.

#include <functional>

#include "acs-plugin/cluster/channel.hpp"

namespace sluice::origin {
class Shelf;
}

namespace sluice::cluster {

inline constexpr char kReadImage[] = "image.read";
// A whole number of pieces of any image, but for the last.
inline constexpr std::uint32_t kPortion = 1024 * 1024;

// {"what": kReadImage, "id", "layer", "from", "count"} gets {"bytes"}, fewer at the file's end, or
// {"lacks": true}: what the answer to a question is read by, on any thread.
std::function<Message()> read_of(origin::Shelf& shelf, const Message& question);

}  // namespace sluice::cluster
