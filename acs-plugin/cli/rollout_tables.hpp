#pragma once
// A rollout as people see it: one line a site, while it goes on and when it is over.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace sluice::cli {

// "r-ab12  gw3-4.2.1 (4.2.1)  running  12 of 13 done, 1 failed".
std::string rollout_line(const nlohmann::ordered_json& rollout);
// At most `rows` lines; the sites that are furthest from done first where there are more.
std::vector<std::string> live_site_lines(const nlohmann::ordered_json& rollout, std::size_t rows);
// One row a site: devices, done, origin payload in images, peers' bytes, last device's time and
// what it is of the lower bound.
std::string site_table(const nlohmann::ordered_json& rollout);
// {"sites":[{"site","devices","done","origin_payload_ratio",…}]}, for programs.
nlohmann::ordered_json site_costs(const nlohmann::ordered_json& rollout);

// Why it halted, which sites are held, and one row a wave where there are several; else nothing.
std::string wave_table(const nlohmann::ordered_json& rollout);

bool is_over(const nlohmann::ordered_json& rollout);
bool is_everybody_done(const nlohmann::ordered_json& rollout);

}  // namespace sluice::cli
