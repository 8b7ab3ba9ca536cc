// The library, and a planner from its first call to its last.

#include <algorithm>
#include <cstdlib>
#include <sys/random.h>

#include "acs-plugin/c_api/handle.hpp"
#include "acs-plugin/c_api/row_json.hpp"

namespace sluice::c_api {
namespace {

constexpr std::size_t kLeastOptions = offsetof(sluice_options, origin_bps);
constexpr std::size_t kLeastRow = sizeof(sluice_row);
constexpr std::string_view kLan =
    "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,fc00::/7,fe80::/10";

void fill_from_system(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        const auto got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno != EINTR) throw std::runtime_error("the system gives no random bytes");
        if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
    }
}

std::string or_empty(const char* text) {
    return text == nullptr ? std::string() : std::string(text);
}

Result<std::vector<inventory::Prefix>> prefixes_of(std::string_view text) {
    std::vector<inventory::Prefix> out;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(", "), text.size());
        if (end > 0) {
            SLUICE_TRY(const auto prefix, inventory::parse_prefix(text.substr(0, end)));
            out.push_back(prefix);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

Result<service::PlannerSettings> settings_of(const sluice_options& from) {
    service::PlannerSettings out;
    const auto policy = from.policy_json == nullptr ? std::string("{}") : from.policy_json;
    auto fleet = planning::parse_fleet_policy(policy);
    if (!fleet.has_value()) return std::move(fleet.error()).within("policy_json");
    out.fleet = std::move(fleet.value());
    out.origin_url = or_empty(from.origin_url);
    while (out.origin_url.ends_with('/')) out.origin_url.pop_back();
    if (!out.origin_url.starts_with("http://") && !out.origin_url.starts_with("https://"))
        return Error{"origin_url: is not http://… or https://…"};
    if (from.origin_bps != 0) out.origin_bps = from.origin_bps;
    out.origin_username = or_empty(from.origin_username);
    out.origin_password = or_empty(from.origin_password);
    return out;
}

Verdict create(const sluice_options* given, sluice_planner** out) {
    if (out == nullptr) return is_null("out");
    *out = nullptr;
    if (given == nullptr) return is_null("options");
    const auto options = taken(given, kLeastOptions);
    if (!options) return Fault{SLUICE_WRONG_VERSION, "options: its size is of another version"};
    if (options->abi_version != SLUICE_ABI_VERSION)
        return Fault{SLUICE_WRONG_VERSION,
                     "options: abi_version " + std::to_string(options->abi_version) +
                         ", and this library has " + std::to_string(SLUICE_ABI_VERSION)};
    if (options->persist == nullptr) return is_null("options: persist");
    auto settings = settings_of(*options);
    if (!settings.has_value()) return refused(settings.error());
    const std::string_view lan_text =
        options->lan_prefixes == nullptr ? kLan : std::string_view(options->lan_prefixes);
    auto lan = prefixes_of(lan_text);
    if (!lan.has_value()) return refused(std::move(lan.error()).within("lan_prefixes"));
    auto made = std::make_unique<sluice_planner>();
    made->context = options->context;
    made->persist = options->persist;
    made->lan = std::move(lan.value());
    made->planner.emplace(
        std::move(settings.value()),
        [random = options->random, context = options->context](std::span<std::uint8_t> bytes) {
            if (random == nullptr) return fill_from_system(bytes);
            if (random(context, bytes.data(), bytes.size()) != 0)
                throw std::runtime_error("the callback `random` failed");
        });
    register_planner(made.get());
    *out = made.release();
    return std::nullopt;
}

Verdict restore_rows(sluice_planner& to, const sluice_row* const* rows, std::size_t count) {
    if (to.is_restored) return Fault{SLUICE_WRONG_ARGUMENT, "planner: it was restored already"};
    if (rows == nullptr && count > 0) return is_null("rows");
    for (std::size_t i = 0; i < count; ++i) {
        const auto name = "rows[" + std::to_string(i) + "]";
        if (rows[i] == nullptr) return is_null(name.c_str());
        const auto row = taken(rows[i], kLeastRow);
        if (!row) return Fault{SLUICE_WRONG_VERSION, name + ": its size is of another version"};
        if (row->kind == nullptr || row->json == nullptr) return is_null((name + ".json").c_str());
        auto read = read_row(row->kind, {row->json, row->json_size});
        if (!read.has_value()) return refused(std::move(read.error()).within(name));
        if (const auto* part = std::get_if<service::RolloutDeviceRow>(&read.value())) {
            if (!to.planner->is_settled(part->rollout))
                to.held_back.push_back(std::move(read.value()));
            continue;
        }
        auto taken_in = to.planner->restore_row(std::move(read.value()));
        if (!taken_in.has_value()) return refused(std::move(taken_in.error()).within(name));
    }
    return std::nullopt;
}

Verdict restore_end(sluice_planner& to) {
    if (to.is_restored) return Fault{SLUICE_WRONG_ARGUMENT, "planner: it was restored already"};
    for (auto& row : std::exchange(to.held_back, {})) {
        auto taken_in = to.planner->restore_row(std::move(row));
        if (!taken_in.has_value()) return refused(taken_in.error());
    }
    auto ended = to.planner->restore_end();
    if (!ended.has_value()) return refused(ended.error());
    to.is_restored = true;
    return std::nullopt;
}

}  // namespace
}  // namespace sluice::c_api

using namespace sluice::c_api;

uint32_t sluice_abi_version(void) {
    return SLUICE_ABI_VERSION;
}

const char* sluice_version(void) {
    return SLUICE_VERSION;
}

const char* sluice_status_name(int status) {
    static constexpr const char* kNames[] = {"ok",           "wrong argument", "wrong version",
                                             "wrong handle", "refused",        "not found",
                                             "over",         "not kept",       "internal"};
    if (status < SLUICE_OK || status > SLUICE_INTERNAL) return "unknown";
    return kNames[status];
}

void sluice_free(void* text) {
    std::free(text);
}

int sluice_planner_create(const sluice_options* options, sluice_planner** out, char** error) {
    return guarded(error, [&] { return create(options, out); });
}

int sluice_planner_restore_rows(sluice_planner* planner, const sluice_row* const* rows,
                                size_t count, char** error) {
    return guarded(error, [&]() -> Verdict {
        if (auto fault = check_planner(planner, false)) return fault;
        return restore_rows(*planner, rows, count);
    });
}

int sluice_planner_restore_end(sluice_planner* planner, char** error) {
    return guarded(error, [&]() -> Verdict {
        if (auto fault = check_planner(planner, false)) return fault;
        return restore_end(*planner);
    });
}

void sluice_planner_destroy(sluice_planner* planner) {
    guarded(nullptr, [&]() -> Verdict {
        if (planner == nullptr || !is_registered(planner)) return std::nullopt;
        forget_planner(planner);
        delete planner;
        return std::nullopt;
    });
}
