#pragma once
// The planner's views as the API writes them. Secrets are in none of them.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "acs-plugin/service/views.hpp"

namespace sluice::rest {

nlohmann::ordered_json to_json(const service::ImageRow& image);
nlohmann::ordered_json to_json(const service::DeviceView& device);
nlohmann::ordered_json to_json(const service::GroupView& group);
// With its sites, and of each what it cost beside what it must: payload in images, the last
// device's time in lower bounds.
nlohmann::ordered_json to_json(const service::RolloutView& rollout);
nlohmann::ordered_json to_json(const service::RolloutDeviceRow& device);
nlohmann::ordered_json to_json(const service::RolloutSiteView& site, std::uint64_t image_length);
nlohmann::ordered_json to_json(const service::SiteView& site);
// Without its hash.
nlohmann::ordered_json to_json(const service::TokenRow& row);

// "2026-03-01T12:00:00.123Z"; null: not yet.
nlohmann::ordered_json time_of(service::WallTime t);

// As text on the wire: bytes that are not UTF-8 become U+FFFD, devices say what they like.
std::string dump(const nlohmann::ordered_json& json);
// {"<name>": […], "next": "…"} around texts of dump(); without `next` where that is empty.
std::string joined_page(const char* name, const std::vector<std::string>& things,
                        const std::string& next);

}  // namespace sluice::rest
