#include "acs-plugin/iad/station/settings.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "acs-plugin/iad/files.hpp"
#include "engine/net/input_file.hpp"
#include "engine/upgrade/form.hpp"

namespace sluice::iad {
namespace {

constexpr net::OptionSpec kOptions[] = {
    {"device", "HOST[:PORT]", "the device to upgrade"},
    {"devices", "FILE", "or several: a line each, NAME HOST[:PORT]"},
    {"version", "VERSION", "what a device reports with the new image"},
    {"image-file", "FILE", "the image; it is put on the file server under its name"},
    {"image", "NAME", "its name there, where it is not the file's"},
    {"file-server", "URL", "tftp:// or ftp://[USER@]HOST[:PORT][/DIRECTORY], as devices reach it"},
    {"our-file-server", "URL", "the same as we reach it (default: the same)"},
    {"server-password-file", "FILE", "of FTP"},
    {"block-size", "BYTES", "of TFTP (default 1428)"},
    {"state", "DIR", "what is kept of each device: its progress, its backups"},
    {"user", "NAME", "SNMPv3 (authPriv), with the two passwords below"},
    {"auth", "SHA|SHA-256", "how it proves who speaks (default SHA-256)"},
    {"auth-password-file", "FILE", "the password for that"},
    {"priv-password-file", "FILE", "the password for secrecy, by AES"},
    {"community-file", "FILE", "SNMPv2c instead"},
    {"listen", "HOST:PORT", "take traps and informs here (default: devices are only asked)"},
    {"policy", "FILE", "backup, restore, limits, JSON (docs/SAFE-UPGRADE.md)"},
    {"conversions", "FILE", "how a configuration becomes the new version's, JSON"},
    {"backup-keys", "FILE",
     "seals configurations in the state folder (default: they lie in clear)"},
    {"settle", "SECONDS", "the old version for so long after a reset: it went back (default 120)"},
    {"poll", "MILLISECONDS", "how often devices are asked (default 2000)"},
    {"log-format", "text|json", "lines on stderr for people or for machines"},
};
constexpr std::size_t kMaxSmallFile = 256 * 1024;
constexpr std::size_t kMaxDevices = 1000;

Result<std::string> read_secret(const net::Options& from, const char* option) {
    if (!from.has(option)) return std::string();
    SLUICE_TRY(auto text, net::read_input_file(from.text(option), 1024));
    text.resize(std::min(text.find_first_of("\r\n"), text.size()));
    if (text.empty()) return Error{"--" + std::string(option) + ": is empty"};
    return text;
}

Result<Security> read_security(const net::Options& from) {
    Security out;
    SLUICE_TRY(out.community, read_secret(from, "community-file"));
    SLUICE_TRY(out.auth_password, read_secret(from, "auth-password-file"));
    SLUICE_TRY(out.priv_password, read_secret(from, "priv-password-file"));
    out.user = from.text("user");
    if (from.has("auth")) out.auth = from.text("auth");
    if (out.auth != "SHA" && out.auth != "SHA-256") return Error{"--auth: SHA or SHA-256"};
    const bool is_v3 =
        !out.user.empty() && !out.auth_password.empty() && !out.priv_password.empty();
    if (is_v3 == !out.community.empty())
        return Error{
            "--user with --auth-password-file and --priv-password-file, or "
            "--community-file"};
    return out;
}

bool is_name(std::string_view name) {
    return is_file_name(name) && name.find('/') == std::string_view::npos && name.size() <= 64;
}

Result<std::vector<Target>> read_devices(const net::Options& from) {
    if (from.has("device") == from.has("devices"))
        return Error{"--device or --devices: one of them"};
    if (from.has("device")) {
        auto name = from.text("device").substr(0, from.text("device").find(':'));
        return std::vector<Target>{{std::move(name), from.text("device")}};
    }
    SLUICE_TRY(const auto text, net::read_input_file(from.text("devices"), kMaxSmallFile));
    std::vector<Target> out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        Target one;
        if (!(words >> one.name) || one.name.front() == '#') continue;
        if (!(words >> one.address) || !is_name(one.name))
            return Error{from.text("devices") + ": '" + line.substr(0, 80) +
                         "': is not NAME HOST[:PORT]"};
        out.push_back(std::move(one));
    }
    if (out.empty() || out.size() > kMaxDevices)
        return Error{from.text("devices") + ": has " + std::to_string(out.size()) + " devices"};
    return out;
}

Result<void> read_servers(const net::Options& from, UpgradeOptions& out) {
    auto server = parse_file_server(from.text("file-server"));
    if (!server.has_value()) return std::move(server.error()).within("--file-server");
    out.device_server = out.our_server = server.value();
    if (from.has("our-file-server")) {
        auto ours = parse_file_server(from.text("our-file-server"));
        if (!ours.has_value()) return std::move(ours.error()).within("--our-file-server");
        out.our_server = ours.value();
    }
    SLUICE_TRY(const auto password, read_secret(from, "server-password-file"));
    SLUICE_TRY(const auto block, from.number("block-size", 1428, 65464));
    for (auto* each : {&out.device_server, &out.our_server}) {
        each->password = password;
        each->block_size = static_cast<std::uint32_t>(std::max<std::uint64_t>(block, 8));
    }
    return success();
}

Result<void> read_image(const net::Options& from, ManagerSettings& out) {
    out.image_file = from.text("image-file");
    auto& image = out.upgrade.image;
    image = from.has("image") ? from.text("image")
                              : std::filesystem::path(out.image_file).filename().string();
    if (!is_file_name(image)) return Error{"--image: '" + image + "' is no name at a file server"};
    if (out.image_file.empty()) return Error{"--image-file is needed"};
    SLUICE_TRY(auto sum, sum_of(out.image_file));
    if (sum.length == 0 || sum.length > UINT32_MAX)
        return Error{out.image_file + ": has " + std::to_string(sum.length) + " bytes"};
    out.upgrade.image_length = static_cast<std::uint32_t>(sum.length);
    out.upgrade.image_digest = std::move(sum.digest);
    return success();
}

Result<void> read_rules(const net::Options& from, UpgradeOptions& out) {
    if (from.has("policy")) {
        SLUICE_TRY(const auto text, net::read_input_file(from.text("policy"), kMaxSmallFile));
        auto policy = upgrade::parse_policy(text);
        if (!policy.has_value()) return std::move(policy.error()).within(from.text("policy"));
        out.policy = policy.value();
    }
    if (from.has("conversions")) {
        SLUICE_TRY(const auto text, net::read_input_file(from.text("conversions"), kMaxSmallFile));
        auto read = conversion::parse_conversions(text);
        if (!read.has_value()) return std::move(read.error()).within(from.text("conversions"));
        out.conversions = std::move(read.value());
        out.policy.converts = true;
    }
    if (from.has("backup-keys")) {
        auto keys = backup::KeyRing::read(from.text("backup-keys"));
        if (!keys.has_value()) return std::move(keys.error()).within("--backup-keys");
        out.backup_keys = std::move(keys).value();
    }
    if (out.policy.converts && out.conversions.empty())
        return Error{"--conversions: needed, as the policy converts"};
    return success();
}

}  // namespace

std::span<const net::OptionSpec> manager_options() {
    return kOptions;
}

Result<FileServer> parse_file_server(std::string_view url) {
    FileServer out;
    const auto scheme = url.find("://");
    const auto name = url.substr(0, std::min(scheme, url.size()));
    if (name != "tftp" && name != "ftp")
        return Error{"'" + std::string(url.substr(0, 80)) + "': is not tftp://… or ftp://…"};
    out.protocol = name == "ftp" ? Protocol::ftp : Protocol::tftp;
    url.remove_prefix(scheme + 3);
    if (const auto slash = url.find('/'); slash != std::string_view::npos) {
        out.directory = url.substr(slash + 1);
        url = url.substr(0, slash);
        if (!out.directory.empty() && !is_file_name(out.directory))
            return Error{"'" + out.directory + "' is no directory at a file server"};
        if (!out.directory.empty() && out.directory.back() != '/') out.directory += '/';
    }
    if (const auto at = url.find('@'); at != std::string_view::npos) {
        out.user = url.substr(0, at);
        url.remove_prefix(at + 1);
    }
    const auto is_v6 = url.starts_with('[');
    const auto host_end = is_v6 ? url.find(']') : std::min(url.find(':'), url.size());
    if (host_end == std::string_view::npos) return Error{"the host has no ']'"};
    out.host = url.substr(is_v6 ? 1 : 0, host_end - (is_v6 ? 1 : 0));
    auto rest = url.substr(std::min(host_end + (is_v6 ? 1 : 0), url.size()));
    if (out.host.empty() || out.host.find('/') != std::string::npos) return Error{"has no host"};
    if (rest.empty()) return out;
    rest.remove_prefix(1);
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), out.port);
    if (error != std::errc() || end != rest.data() + rest.size() || out.port == 0)
        return Error{"'" + std::string(rest) + "' is no port"};
    return out;
}

Result<ManagerSettings> manager_settings(const net::Options& from) {
    ManagerSettings out;
    for (const auto* needed : {"version", "file-server", "state"})
        if (!from.has(needed)) return Error{"--" + std::string(needed) + " is needed"};
    SLUICE_TRY(out.devices, read_devices(from));
    SLUICE_TRY(out.security, read_security(from));
    out.listen = from.text("listen");
    out.state = from.text("state");
    out.upgrade.version = from.text("version");
    SLUICE_CHECK(read_servers(from, out.upgrade));
    SLUICE_CHECK(read_image(from, out));
    SLUICE_CHECK(read_rules(from, out.upgrade));
    SLUICE_TRY(const auto settle, from.number("settle", 120, 86'400));
    SLUICE_TRY(const auto poll, from.number("poll", 2000, 600'000));
    out.upgrade.settle = std::chrono::seconds(settle);
    out.upgrade.poll = std::chrono::milliseconds(std::max<std::uint64_t>(poll, 50));
    return out;
}

}  // namespace sluice::iad
