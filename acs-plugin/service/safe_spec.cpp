#include "acs-plugin/service/safe_spec.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/upgrade/form.hpp"

namespace sluice::service {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 3> kVerifyRestores = {"version", "upload", "none"};
constexpr std::size_t kMaxNames = 32;
constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxFileType = 64;

Result<void> read_compare(const json& from, std::vector<std::string>& out) {
    const Error bad{"compare: is not a list of up to 32 parameters' names"};
    if (!from.is_array() || from.size() > kMaxNames) return bad;
    for (const auto& each : from) {
        if (!each.is_string()) return bad;
        const auto& name = each.get_ref<const std::string&>();
        const bool has_root =
            name.starts_with("Device.") || name.starts_with("InternetGatewayDevice.");
        if (name.size() > kMaxName || !has_root)
            return Error{"compare: '" + name.substr(0, kMaxName) +
                         "' is no parameter's name with its root"};
        out.push_back(name);
    }
    return success();
}

}  // namespace

Result<SafeSpec> parse_safe_spec(std::string_view text) {
    auto from = json::parse(text, nullptr, false);
    if (!from.is_object()) return Error{"is not a JSON object"};
    SafeSpec out;
    // Where a Download installs and reboots, as it does over CWMP.
    out.policy.applies_at_once = true;
    if (const auto at = from.find("compare"); at != from.end()) {
        SLUICE_CHECK(read_compare(*at, out.compare));
        from.erase(at);
    }
    if (const auto at = from.find("verify_restore"); at != from.end()) {
        const auto* word = at->get_ptr<const std::string*>();
        const auto known =
            word == nullptr ? kVerifyRestores.end() : std::ranges::find(kVerifyRestores, *word);
        if (known == kVerifyRestores.end())
            return Error{"verify_restore: is none of version, upload, none"};
        out.verify_restore = static_cast<VerifyRestore>(known - kVerifyRestores.begin());
        from.erase(at);
    }
    if (const auto at = from.find("upload_file_type"); at != from.end()) {
        if (!at->is_string() || at->get_ref<const std::string&>().size() > kMaxFileType)
            return Error{"upload_file_type: is not a file type of up to 64 characters"};
        out.upload_file_type = at->get<std::string>();
        from.erase(at);
    }
    SLUICE_TRY(out.policy, upgrade::parse_policy(from.dump(), out.policy));
    return out;
}

}  // namespace sluice::service
