#include "agent/management/settings.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>

#include "agent/command_installer.hpp"
#include "engine/base/utc.hpp"
#include "engine/http/text.hpp"
#include "engine/net/input_file.hpp"

namespace sluice::agent::management {
namespace {

constexpr std::array<net::OptionSpec, 51> kOptions{{
    {"acs-url", "URL", "the ACS that manages this device"},
    {"acs-username", "NAME", "who we are to the ACS (Digest)"},
    {"acs-password-file", "FILE", "its password"},
    {"ca-file", "FILE", "certificates that ACS and origin are held to (PEM)"},
    {"client-certificate", "FILE", "shown to servers that ask for one (PEM)"},
    {"client-key", "FILE", "its key (PEM)"},
    {"manufacturer", "TEXT", "who this device is (TR-069 DeviceId)"},
    {"oui", "HEX", "six hex digits"},
    {"product-class", "TEXT", ""},
    {"serial", "TEXT", ""},
    {"hardware-version", "TEXT", ""},
    {"software-version", "TEXT", "of the image that came with the device"},
    {"security-version", "N", "of that image (0)"},
    {"provisioning-code", "TEXT", ""},
    {"trust", "FILE", "trust.json: whose signatures count"},
    {"state", "DIR", "what must survive: orders, events, parameters"},
    {"store", "DIR", "where images are kept"},
    {"slots", "DIR", "install into the inactive one of two slots"},
    {"install-command", "CMD", "install by a command, without a shell"},
    {"health-command", "CMD", "exit 0: the new image is healthy (default: it is)"},
    {"reboot-command", "CMD", "how to reboot (default: reboot); restart = this process alone"},
    {"config-file", "FILE", "where the configuration is (default: `config` in --state)"},
    {"config-apply-command", "CMD", "takes one into use: {file}, or its standard input"},
    {"config-export-command", "CMD", "prints the one in use (default: the one given last)"},
    {"convert-command", "CMD", "converts one on the ACS's order, standard input to output"},
    {"command-timeout", "SECONDS", "of these three (60)"},
    {"config-reboot", "", "reboot after each configuration (default: if line 1 is #!reboot)"},
    {"idle-command", "CMD", "exit 0: nobody uses the device (default: CPU below 50 %)"},
    {"listen", "ADDR:PORT", "serve neighbours here (an address or an interface)"},
    {"connection-listen", "ADDR:PORT", "where the ACS may call us"},
    {"connection-username", "NAME", "who calls (Digest)"},
    {"connection-password-file", "FILE", "its password"},
    {"local-address", "ADDR", "connect from this address"},
    {"site", "TEXT", "where this device is, if somebody told it"},
    {"is-gateway", "", "this device is its site's gateway"},
    {"gateway-oui", "HEX", "the gateway that this device is behind"},
    {"gateway-product-class", "TEXT", ""},
    {"gateway-serial", "TEXT", ""},
    {"periodic-interval", "SECONDS", "between Informs (86400; 0: only the daily one)"},
    {"uplink-rate", "BPS", "of the site's access, bits a second"},
    {"downlink-rate", "BPS", ""},
    {"lan-rate", "BPS", "what this device can give its neighbours"},
    {"data-model", "NAME", "tr181 (default) or tr098"},
    {"report", "FILE", "append what happens as JSON lines"},
    {"insecure-lab", "", "allow secrets over plain HTTP"},
    {"log-format", "FORMAT", "text (default) or json"},
    {"log-level", "LEVEL", "debug, info (default), warning or error"},
    {"boot-spread", "SECONDS", "after a boot that nobody ordered: until the first session (60)"},
    {"reboot-retry", "SECONDS", "a reboot without effect is asked for again (120)"},
    {"retry-minimum", "SECONDS", "least wait before a failed session is tried again (5)"},
    {"clock-floor", "UTC", "what the time is at least (default: this build's month)"},
}};

constexpr std::size_t kMaxSecret = 4096;
constexpr std::uint64_t kMaxInterval = 30ull * 24 * 3600;
constexpr std::uint64_t kMaxRate = 1'000'000'000'000;

Result<std::string> secret_of(const net::Options& options, std::string_view name) {
    const auto& path = options.text(name);
    if (path.empty()) return std::string();
    auto text = net::read_input_file(path, kMaxSecret);
    if (!text) return std::move(text).error().within("--" + std::string(name));
    auto& secret = text.value();
    while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
    if (secret.empty()) return Error{"--" + std::string(name) + ": " + path + " is empty"};
    return std::move(text).value();
}

Result<std::vector<net::ListenAddress>> addresses(const net::Options& options,
                                                  std::string_view name) {
    if (!options.has(name)) return std::vector<net::ListenAddress>();
    auto parsed = net::parse_listen_address(options.text(name));
    if (!parsed) return std::move(parsed).error().within("--" + std::string(name));
    return parsed;
}

Result<std::string> oui_of(const net::Options& options, std::string_view name) {
    auto text = options.text(name);
    const auto is_hex = [](char c) { return http::is_digit(c) || (c >= 'A' && c <= 'F'); };
    std::transform(text.begin(), text.end(), text.begin(), [](char c) {
        return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    if (!text.empty() && (text.size() != 6 || !std::all_of(text.begin(), text.end(), is_hex)))
        return Error{"--" + std::string(name) + ": six hex digits, not '" + text + "'"};
    return text;
}

Result<void> read_identity(const net::Options& options, Settings& out) {
    out.device.manufacturer = options.text("manufacturer");
    SLUICE_TRY(out.device.oui, oui_of(options, "oui"));
    out.device.product_class = options.text("product-class");
    out.device.serial_number = options.text("serial");
    for (const auto* text :
         {&out.device.manufacturer, &out.device.product_class, &out.device.serial_number})
        if (text->size() > 64) return Error{"'" + *text + "': longer than TR-069's 64 characters"};
    out.hardware_version = options.text("hardware-version");
    out.software_version = options.text("software-version");
    out.provisioning_code = options.text("provisioning-code");
    SLUICE_TRY(const auto security, options.number("security-version", 0, UINT32_MAX));
    out.security_version = static_cast<std::uint32_t>(security);
    SLUICE_TRY(out.gateway.oui, oui_of(options, "gateway-oui"));
    out.gateway.product_class = options.text("gateway-product-class");
    out.gateway.serial = options.text("gateway-serial");
    out.is_gateway =
        options.is_on("is-gateway") ||
        (!out.gateway.serial.empty() && out.gateway.serial == out.device.serial_number &&
         out.gateway.oui == out.device.oui);
    out.site = options.text("site");
    const auto& model = options.text("data-model");
    if (!model.empty() && model != "tr181" && model != "tr098")
        return Error{"--data-model: tr181 or tr098, not '" + model + "'"};
    out.data_model = model == "tr098" ? DataModel::tr098 : DataModel::tr181;
    return success();
}

// The ACS and the neighbours are told this address; and a server of firmware has no business on
// every interface.
Result<void> check_names_a_place(const std::string& name,
                                 const std::vector<net::ListenAddress>& all) {
    for (const auto& each : all) {
        boost::system::error_code error;
        const auto address = boost::asio::ip::make_address(each.address, error);
        if (!error && address.is_unspecified())
            return Error{"--" + name + ": '" + each.text() +
                         "' is every interface; name one, or its address"};
    }
    return success();
}

Result<void> read_acs(const net::Options& options, Settings& out) {
    out.acs_url = options.text("acs-url");
    const auto url = net::parse_url(out.acs_url);
    if (!url) return Error{"--acs-url: " + url.error().message};
    out.is_insecure_lab = options.is_on("insecure-lab");
    if (!url.value().is_tls && !out.is_insecure_lab)
        return Error{"--acs-url: " + out.acs_url +
                     " is not https; only --insecure-lab allows that"};
    out.acs.username = options.text("acs-username");
    SLUICE_TRY(out.acs.password, secret_of(options, "acs-password-file"));
    out.connection.username = options.text("connection-username");
    SLUICE_TRY(out.connection.password, secret_of(options, "connection-password-file"));
    out.ca_file = options.text("ca-file");
    out.client_certificate = options.text("client-certificate");
    out.client_key = options.text("client-key");
    if (out.client_certificate.empty() != out.client_key.empty())
        return Error{"--client-certificate and --client-key: both or none"};
    out.local_address = options.text("local-address");
    boost::system::error_code error;
    if (!out.local_address.empty()) (void)boost::asio::ip::make_address(out.local_address, error);
    if (error) return Error{"--local-address: '" + out.local_address + "' is no IP address"};
    SLUICE_TRY(out.listen, addresses(options, "listen"));
    SLUICE_TRY(out.connection_listen, addresses(options, "connection-listen"));
    SLUICE_CHECK(check_names_a_place("listen", out.listen));
    return check_names_a_place("connection-listen", out.connection_listen);
}

Result<void> check_command(const std::string& name, const std::string& command) {
    if (command.empty() || command == "restart") return success();
    const auto parsed = CommandInstaller::parse(command);
    if (!parsed) return Error{"--" + name + ": " + parsed.error().message};
    return success();
}

Result<void> read_machine(const net::Options& options, Settings& out) {
    out.state = options.text("state");
    out.store = options.text("store");
    out.slots = options.text("slots");
    out.install_command = options.text("install-command");
    if (!out.slots.empty() && !out.install_command.empty())
        return Error{"--slots and --install-command: one of them"};
    out.health_command = options.text("health-command");
    out.reboot_command = options.has("reboot-command") ? options.text("reboot-command") : "reboot";
    out.config_file =
        options.has("config-file") ? options.text("config-file") : out.state + "/config";
    out.config_apply_command = options.text("config-apply-command");
    out.config_export_command = options.text("config-export-command");
    out.convert_command = options.text("convert-command");
    out.idle_command = options.text("idle-command");
    out.reboots_after_configuration = options.is_on("config-reboot");
    SLUICE_TRY(const auto limit, options.number("command-timeout", 60, 3600));
    out.command_timeout = std::chrono::seconds(std::max<std::uint64_t>(limit, 1));
    for (const auto& [name, command] : {std::pair{"config-apply-command", out.config_apply_command},
                                        {"config-export-command", out.config_export_command},
                                        {"convert-command", out.convert_command},
                                        {"idle-command", out.idle_command}})
        SLUICE_CHECK(check_command(name, command));
    SLUICE_CHECK(check_command("install-command", out.install_command));
    SLUICE_CHECK(check_command("health-command", out.health_command));
    SLUICE_CHECK(check_command("reboot-command", out.reboot_command));
    SLUICE_TRY(const auto interval, options.number("periodic-interval", 86400, kMaxInterval));
    out.periodic_interval = std::chrono::seconds(interval);
    SLUICE_TRY(out.uplink_bps, options.number("uplink-rate", 0, kMaxRate));
    SLUICE_TRY(out.downlink_bps, options.number("downlink-rate", 0, kMaxRate));
    SLUICE_TRY(out.lan_bps, options.number("lan-rate", 0, kMaxRate));
    SLUICE_TRY(const auto spread, options.number("boot-spread", 60, 86400));
    out.boot_spread = std::chrono::seconds(spread);
    SLUICE_TRY(const auto reboot_retry, options.number("reboot-retry", 120, 86400));
    out.reboot_retry = std::chrono::seconds(std::max<std::uint64_t>(reboot_retry, 1));
    SLUICE_TRY(const auto retry, options.number("retry-minimum", 5, 65535));
    out.retry_minimum_s = static_cast<std::uint32_t>(std::max<std::uint64_t>(retry, 1));
    if (options.has("clock-floor")) {
        auto floor = parse_utc(options.text("clock-floor"));
        if (!floor) return std::move(floor).error().within("--clock-floor");
        out.clock_floor = floor.value();
    }
    out.report = options.text("report");
    return success();
}

}  // namespace

std::span<const net::OptionSpec> run_options() {
    return kOptions;
}

Result<Settings> read_settings(const net::Options& options) {
    for (const auto* name : {"acs-url", "manufacturer", "oui", "serial", "hardware-version",
                             "software-version", "trust", "state", "store"})
        if (options.text(name).empty()) return Error{"--" + std::string(name) + " is missing"};
    Settings out;
    SLUICE_CHECK(read_identity(options, out));
    SLUICE_CHECK(read_acs(options, out));
    SLUICE_CHECK(read_machine(options, out));
    SLUICE_TRY(const auto text, net::read_input_file(options.text("trust"), image::kMaxEnvelope));
    const auto trust = image::load_trust(text);
    if (!trust) return image::to_error(trust.error()).within(options.text("trust"));
    out.trust = trust.value();
    return out;
}

}  // namespace sluice::agent::management
