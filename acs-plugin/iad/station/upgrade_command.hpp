#pragma once
// `sluice-iad upgrade`: upgrades devices safely from here, and shows how far they are; `answer`:
// the operator's word to a question of a running upgrade; `convert`: a conversion tried out.

#include <span>
#include <string_view>

namespace sluice::iad {

int upgrade_command(std::span<const std::string_view> args);
int answer_command(std::span<const std::string_view> args);
int convert_command(std::span<const std::string_view> args);

}  // namespace sluice::iad
