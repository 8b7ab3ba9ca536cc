#include "acs-plugin/cli/plan_command.hpp"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <map>
#include <sys/random.h>

#include "acs-plugin/cli/calendar.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/site_file.hpp"
#include "acs-plugin/service/compose.hpp"
#include "engine/image/manifest.hpp"
#include "engine/planning/assignment_json.hpp"
#include "engine/planning/fleet.hpp"
#include "engine/serving/credentials.hpp"

namespace sluice::cli {
namespace {

constexpr std::uint64_t kMaxSiteFile = 16 * 1024 * 1024;
constexpr std::uint64_t kMaxPolicyFile = 256 * 1024;
constexpr std::uint64_t kMaxKeyFile = 4096;
constexpr unsigned kOwnerOnly = 0600;  // keys, and Assignments full of them

Result<Bytes> new_rollout_key(const Path& path) {
    Bytes key(32);
    if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
        return Error{std::string("no random bytes: ") + std::strerror(errno)};
    // An older key still opens transfers of its rollout: never overwritten.
    SLUICE_CHECK(write_file(path, to_hex(key) + "\n", kOwnerOnly, Overwrite::no));
    return key;
}

Result<Bytes> rollout_key(const PlanOptions& options) {
    if (!options.key_out_file.empty()) return new_rollout_key(options.key_out_file);
    SLUICE_TRY(auto text, read_file(options.rollout_key_file, kMaxKeyFile));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    auto key = from_hex(text);
    if (!key || key->size() != 32)
        return Error{options.rollout_key_file.string() + ": is not 64 hex digits"};
    return *key;
}

template <class T>
Result<T> within(Result<T> result, const Path& path) {
    if (result.has_value()) return result;
    return std::move(result).error().within(path.string());
}

// The manifest is passed on, not believed: devices verify it with keys that we do not hold.
Result<planning::Job> job_of(const PlanOptions& options, UtcTime now) {
    planning::Job job;
    job.rollout = options.rollout;
    SLUICE_TRY(job.manifest, read_file(options.manifest_file, image::kMaxEnvelope));
    const auto read = image::read_manifest(job.manifest);
    if (!read.has_value()) return to_error(read.error()).within(options.manifest_file.string());
    job.image = read.value().manifest.image;
    job.length = read.value().manifest.layout.length;
    job.piece_length = read.value().manifest.layout.piece_length;
    job.image_url = options.image_url;
    job.layer_url = options.layer_url;
    job.seed = options.seed;
    job.now = now;
    return job;
}

Result<planning::FleetPolicy> policy_of(const PlanOptions& options) {
    if (options.policy_file.empty()) return planning::FleetPolicy{};
    SLUICE_TRY(const auto text, read_file(options.policy_file, kMaxPolicyFile));
    return within(planning::parse_fleet_policy(text), options.policy_file);
}

Result<SiteFile> site_of(const PlanOptions& options) {
    SLUICE_TRY(const auto text, read_file(options.site_file, kMaxSiteFile));
    return within(parse_site_file(text), options.site_file);
}

Result<service::RolloutSecrets> secrets_of(const PlanOptions& options, UtcTime now) {
    service::RolloutSecrets out;
    out.expires = UtcTime{now.seconds + std::int64_t{options.valid_hours} * 3600};
    if (options.out_directory.empty()) return out;
    std::error_code error;
    std::filesystem::create_directories(options.out_directory, error);
    if (error) return Error{options.out_directory.string() + ": " + error.message()};
    SLUICE_TRY(out.key, rollout_key(options));
    return out;
}

Result<void> write_assignments(const planning::SitePlan& plan,
                               const service::RolloutSecrets& secrets, const Path& directory) {
    for (std::size_t rank = 0; rank < plan.members.size(); ++rank) {
        const auto& member = plan.members[rank].member;
        if (member.part == planning::Part::plain) continue;
        SLUICE_TRY(const auto assignment, service::compose(plan, rank, secrets));
        SLUICE_CHECK(write_file(directory / (member.name + ".json"),
                                planning::to_json(assignment) + "\n", kOwnerOnly, Overwrite::yes));
    }
    return success();
}

void add_options(CLI::App& command, PlanOptions& o) {
    command.add_option("--site", o.site_file, "the site: its devices and rates, JSON")
        ->type_name("FILE")
        ->required();
    command.add_option("--manifest", o.manifest_file, "the image's signed manifest")
        ->type_name("FILE")
        ->required();
    command.add_option("--image-url", o.image_url, "where the origin has the image")
        ->type_name("URL")
        ->required();
    command
        .add_option("--layer-url", o.layer_url,
                    "where it has the piece layer; without it, the image's URL + .layer")
        ->type_name("URL");
    command.add_option("--policy", o.policy_file, "grouping, masters and planning, JSON")
        ->type_name("FILE");
    command
        .add_option("--out", o.out_directory,
                    "where to write NAME.json for each device;\n"
                    "without it, only the plan is printed")
        ->type_name("DIR");
    auto* key =
        command
            .add_option("--rollout-key", o.rollout_key_file, "the rollout's secret, 64 hex digits")
            ->type_name("FILE");
    command.add_option("--key-out", o.key_out_file, "make a new secret and keep it there")
        ->type_name("FILE")
        ->excludes(key);
    command.add_option("--rollout", o.rollout, "short id of the rollout, [A-Za-z0-9_-]")
        ->type_name("ID")
        ->capture_default_str();
    command.add_option("--seed", o.seed, "same seed, same plan")
        ->type_name("N")
        ->capture_default_str();
    command.add_option("--valid-hours", o.valid_hours, "how long the credentials are good")
        ->type_name("N")
        ->check(CLI::Range(1, 24 * 366))
        ->capture_default_str();
}

bool is_rollout_id(std::string_view id) {
    return !id.empty() && id.size() <= serving::kMaxRollout &&
           id.find_first_not_of(
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
               std::string_view::npos;
}

}  // namespace

Result<void> plan_site(const PlanOptions& options, std::ostream& table) {
    const auto now = utc_now();
    SLUICE_TRY(const auto policy, policy_of(options));
    SLUICE_TRY(const auto site, site_of(options));
    SLUICE_TRY(const auto job, job_of(options, now));
    planning::Fleet fleet(policy);
    std::map<std::string, const SiteDevice*> devices;  // by identity
    std::vector<inventory::DeviceReport> reports;
    for (const auto& device : site.devices) {
        reports.push_back(device.report);
        devices[inventory::identity_of(device.report)] = &device;
    }
    SLUICE_CHECK(fleet.load(reports));
    fleet.settle();
    SLUICE_TRY(const auto secrets, secrets_of(options, now));
    for (std::uint32_t g = 0; g < fleet.groups().capacity(); ++g) {
        const grouping::GroupIndex group{g};
        auto members = fleet.members_of(group);
        for (auto& member : members) {
            const auto& device = *devices[member.name];
            member.name = device.name;
            member.memory_bytes = device.memory_bytes;
            member.port.departures_per_hour = device.departures_per_hour;
        }
        table << "group " << fleet.groups().key_text(group) << ": " << members.size()
              << (members.size() == 1 ? " device\n" : " devices\n");
        SLUICE_TRY(const auto plan,
                   planning::make_plan(job, site.links, std::move(members), policy.planning));
        table << planning::to_text(plan) << "\n";
        if (!options.out_directory.empty())
            SLUICE_CHECK(write_assignments(plan, secrets, options.out_directory));
    }
    return success();
}

void add_plan_command(CLI::App& app) {
    auto* command = app.add_subcommand(
        "plan",
        "Plan one site: who takes the image from whom, and why.\n"
        "Writes each device's Assignment, if wanted. The same planner as in the ACS, from a file.");
    const auto options = std::make_shared<PlanOptions>();
    add_options(*command, *options);
    command->footer(
        "Example:\n"
        "  sluice plan --site home.json --manifest fw.manifest.json \\\n"
        "      --image-url http://198.51.100.7/fw.bin --key-out rollout.key --out assignments/");
    command->callback([options] {
        const bool has_key = !options->rollout_key_file.empty() || !options->key_out_file.empty();
        if (!options->out_directory.empty() && !has_key)
            wrong_use("plan: --out needs --rollout-key or --key-out");
        if (!is_rollout_id(options->rollout))
            wrong_use("plan: --rollout is not 1 to 32 of [A-Za-z0-9_-]");
        finish(plan_site(*options, std::cout));
    });
}

}  // namespace sluice::cli
