#include "acs-plugin/cli/found.hpp"

#include <nlohmann/json.hpp>

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLooked = 10'000;
constexpr std::size_t kLeastPrefix = 4;

std::string joined(const std::vector<std::string>& ids) {
    std::string out;
    for (const auto& id : ids) out += (out.empty() ? "" : ", ") + id;
    return out;
}

Result<std::string> only_one(const Json& all, const std::string& named, const char* what,
                             const std::function<std::string(const Json&)>& name_of) {
    std::vector<std::string> by_name, by_prefix;
    for (const auto& each : all) {
        const auto id = text_in(each, "id");
        if (id == named) return id;
        if (name_of(each) == named) by_name.push_back(id);
        if (named.size() >= kLeastPrefix && id.starts_with(named)) by_prefix.push_back(id);
    }
    const auto& found = by_name.empty() ? by_prefix : by_name;
    if (found.size() == 1) return found.front();
    if (found.empty()) return Error{std::string("no ") + what + " is called '" + named + "'"};
    return Error{"'" + named + "' could be " + joined(found)};
}

}  // namespace

Result<std::string> find_image(ApiClient& api, const std::string& named) {
    const auto all = api.list("images", "images", kLooked);
    if (!all.has_value()) return to_error(all.error());
    return only_one(all.value()["images"], named, "image",
                    [](const Json& image) { return text_in(image, "name"); });
}

Result<std::string> find_rollout(ApiClient& api, const std::string& named) {
    const auto all = api.list("rollouts", "rollouts", kLooked);
    if (!all.has_value()) return to_error(all.error());
    const auto& rollouts = all.value()["rollouts"];
    if (rollouts.empty()) return Error{"there is no rollout"};
    if (!named.empty())
        return only_one(rollouts, named, "rollout", [](const Json& rollout) {
            const auto spec = rollout.find("spec");
            return spec != rollout.end() && spec->is_object() ? text_in(*spec, "name") : "";
        });
    const auto* last = &rollouts.front();
    for (const auto& each : rollouts)
        if (text_in(each, "started") > text_in(*last, "started")) last = &each;
    return text_in(*last, "id");
}

}  // namespace sluice::cli
