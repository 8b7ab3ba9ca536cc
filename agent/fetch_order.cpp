#include "agent/fetch_order.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "agent/clock.hpp"
#include "agent/command_installer.hpp"
#include "agent/membership.hpp"
#include "engine/base/utc.hpp"
#include "engine/http/text.hpp"
#include "engine/net/config_file.hpp"
#include "engine/net/input_file.hpp"
#include "engine/planning/assignment_json.hpp"

namespace sluice::agent {
namespace {

constexpr std::array<net::OptionSpec, 13> kOptions{{
    {"assignment", "FILE", "what to fetch, from whom, whom to serve (JSON)"},
    {"trust", "FILE", "trust.json: whose signatures count"},
    {"store", "DIR", "where pieces are kept; a fetch goes on where it ended"},
    {"listen", "ADDR:PORT", "serve neighbours here (an address or an interface)"},
    {"device", "FILE",
     "what this device is (TOML): manufacturer, oui, product_class,\n"
     "serial_number, hardware_version, software_version,\n"
     "security_version; needed to install"},
    {"report", "FILE", "append what happens as JSON lines"},
    {"keep-serving", "SECONDS", "go on serving after the end"},
    {"slots", "DIR", "install into the inactive one of two slots"},
    {"install-command", "CMD",
     "install by a command, without a shell; {image}, {version}\n"
     "and {id} are replaced in its words"},
    {"ca-file", "FILE", "certificates that https origins are held to (PEM)"},
    {"log-format", "FORMAT", "text (default) or json"},
    {"log-level", "LEVEL", "debug, info (default), warning or error"},
    {"no-progress", "", "no progress bar on a terminal"},
}};

constexpr std::uint64_t kLongestServing = 30ull * 24 * 3600;

OrderError wrong_use(std::string why) {
    return {true, std::move(why)};
}
OrderError failed(const Error& error) {
    return {false, error.message};
}

// A stream, so that secrets may come through a pipe and never lie on a disk ("--assignment
// /dev/stdin").
Result<std::string, OrderError> read_file(const std::string& path, std::size_t most) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                               &std::fclose);
    if (!file) return OrderError{false, path + ": cannot be opened: " + std::strerror(errno)};
    std::string text;
    std::array<char, 4096> block;
    while (const auto got = std::fread(block.data(), 1, block.size(), file.get())) {
        text.append(block.data(), got);
        if (text.size() > most)
            return OrderError{false, path + ": is larger than " + std::to_string(most) + " bytes"};
    }
    if (std::ferror(file.get()) != 0)
        return OrderError{false, path + ": cannot be read: " + std::strerror(errno)};
    return text;
}

Result<image::DeviceFacts, OrderError> read_device(const std::string& path) {
    constexpr std::array<std::string_view, 7> kKeys{"manufacturer",     "oui",
                                                    "product_class",    "serial_number",
                                                    "hardware_version", "software_version",
                                                    "security_version"};
    auto read = net::read_config(path, kKeys);
    if (!read) return failed(read.error());
    auto& facts = read.value();
    for (const auto key :
         {"manufacturer", "oui", "product_class", "hardware_version", "security_version"}) {
        if (facts[key].empty()) return OrderError{false, path + ": " + key + " is missing"};
    }
    image::DeviceFacts device;
    device.manufacturer = facts["manufacturer"];
    device.oui = facts["oui"];
    std::transform(device.oui.begin(), device.oui.end(), device.oui.begin(), [](char c) {
        return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    device.product_class = facts["product_class"];
    device.serial_number = facts["serial_number"];
    device.hardware_version = facts["hardware_version"];
    device.software_version = facts["software_version"];
    const auto number = http::parse_number<std::uint32_t>(facts["security_version"]);
    if (!number) return OrderError{false, path + ": security_version: not a number"};
    device.security_version = *number;
    return device;
}

// A device knows the time only as a floor (DESIGN §4): it was built, and the ACS has spoken. The
// manifest's expiry and the peers' credentials are judged by the same one.
UtcTime time_floor(UtcTime acs_time) {
    const auto built = parse_utc(SLUICE_BUILD_DATE);
    return std::max(acs_time, built ? built.value() : UtcTime{});
}

Result<image::Manifest, OrderError> verify(const planning::Assignment& assignment,
                                           const image::Trust& trust,
                                           std::optional<image::DeviceFacts> device) {
    const auto refused = [](const image::Refused& why) {
        return failed(image::to_error(why).within("manifest"));
    };
    if (device) device->now = time_floor(assignment.server_time);
    auto manifest = device ? image::verify_manifest(assignment.manifest, trust, *device)
                           : image::verify_manifest_signatures(assignment.manifest, trust);
    if (!manifest) return refused(manifest.error());
    const auto is_ordered = image::check_is_of(manifest.value(), assignment.image);
    if (!is_ordered) return refused(is_ordered.error());
    return std::move(manifest).value();
}

Result<void, OrderError> check_use(const net::Options& options) {
    for (const auto name : {"assignment", "trust", "store"}) {
        if (options.text(name).empty()) return wrong_use("--" + std::string(name) + " is missing");
    }
    const bool has_slots = !options.text("slots").empty();
    const bool has_command = !options.text("install-command").empty();
    if (has_slots && has_command) return wrong_use("--slots and --install-command: one of them");
    if ((has_slots || has_command) && options.text("device").empty()) {
        return wrong_use("--device is missing: without it any device's image would be installed");
    }
    if (has_command) {
        const auto command = CommandInstaller::parse(options.text("install-command"));
        if (!command) return wrong_use("--install-command: " + command.error().message);
    }
    return success();
}

}  // namespace

UtcTime FetchOrder::utc(Instant now) const {
    const auto passed = std::chrono::duration_cast<std::chrono::seconds>(now - read_at);
    return UtcTime{time_floor(assignment.server_time).seconds + passed.count()};
}

std::span<const net::OptionSpec> fetch_options() {
    return kOptions;
}

Result<FetchOrder, OrderError> read_fetch_order(const net::Options& options) {
    SLUICE_CHECK(check_use(options));
    FetchOrder order;
    auto seconds = options.number("keep-serving", 0, kLongestServing);
    if (!seconds) return wrong_use(seconds.error().message);
    order.keep_serving = std::chrono::seconds(seconds.value());
    if (!options.text("listen").empty()) {
        auto listen = net::parse_listen_address(options.text("listen"));
        if (!listen) return wrong_use("--listen: " + listen.error().message);
        order.listen = std::move(listen).value();
    }
    order.store = options.text("store");
    order.report = options.text("report");
    order.ca_file = options.text("ca-file");
    order.slots = options.text("slots");
    order.install_command = options.text("install-command");

    SLUICE_TRY(const auto trust_text, read_file(options.text("trust"), image::kMaxEnvelope));
    const auto trust = image::load_trust(trust_text);
    if (!trust) return failed(image::to_error(trust.error()).within(options.text("trust")));
    std::optional<image::DeviceFacts> device;
    if (!options.text("device").empty()) {
        SLUICE_TRY(device, read_device(options.text("device")));
        order.security_version = device->security_version;
    }
    // Last: whoever sends it through a pipe finds all the rest in place.
    const auto& file = options.text("assignment");
    SLUICE_TRY(const auto text, read_file(file, planning::kMaxAssignmentBytes));
    order.read_at = monotonic_now();
    auto assignment = planning::parse_assignment(text);
    if (!assignment) return failed(std::move(assignment).error().within("assignment " + file));
    order.assignment = std::move(assignment).value();
    // By the sources alone, as an agent that knows nothing of swarms reads the same Assignment.
    if (!can_swarm() || order.listen.empty()) order.assignment.swarm.reset();
    SLUICE_TRY(order.manifest, verify(order.assignment, trust.value(), device));
    return order;
}

}  // namespace sluice::agent
