#include "acs-plugin/acs/endpoint_settings.hpp"

#include <algorithm>

#include "engine/net/input_file.hpp"

namespace sluice::acs {
namespace {

constexpr net::OptionSpec kOptions[] = {
    {"device-secret-file", "FILE",
     "in the place of --username: a device's name is its identity, its password made\nof this "
     "secret (docs/ACS.md)"},
    {"tie-certificate", "",
     "a device's certificate must name it (CN or DNS: OUI-Serial or\n"
     "OUI-Class-Serial)"},
    {"io-threads", "N",
     "for TLS, HTTP and SOAP of devices, beside the planner's (default 0: its own)"},
    {"max-sessions", "N", "CWMP sessions at a time (default 4096)"},
    {"max-connections", "N", "of devices (default 8192)"},
    {"max-connections-per-address", "N", "of IPv6 per /64 (default 512)"},
    {"max-handshakes", "N", "of TLS, at a time (default 256)"},
    {"session-timeout", "SECONDS", "a device that says nothing for so long (default 30)"},
};

constexpr std::uint64_t kMost = 1'000'000;
constexpr std::uint64_t kMostThreads = 64;
constexpr std::uint64_t kLongest = 3600;
constexpr std::size_t kShortestSecret = 16;  // it makes every device's password

}  // namespace

std::span<const net::OptionSpec> endpoint_options() {
    return kOptions;
}

Result<EndpointSettings> read_endpoint_settings(const net::Options& from) {
    EndpointSettings out;
    const auto read = [&](const char* name, std::uint32_t& value) -> Result<void> {
        SLUICE_TRY(const auto number, from.number(name, value, kMost));
        if (number == 0) return Error{"--" + std::string(name) + ": at least one"};
        value = static_cast<std::uint32_t>(number);
        return success();
    };
    SLUICE_CHECK(read("max-sessions", out.sessions));
    SLUICE_CHECK(read("max-connections", out.connections));
    SLUICE_CHECK(read("max-connections-per-address", out.connections_per_address));
    SLUICE_CHECK(read("max-handshakes", out.handshakes));
    SLUICE_TRY(const auto threads, from.number("io-threads", 0, kMostThreads));
    out.threads = static_cast<std::uint32_t>(threads);
    SLUICE_TRY(const auto seconds, from.number("session-timeout", 30, kLongest));
    if (seconds == 0) return Error{"--session-timeout: at least one second"};
    out.session_timeout = std::chrono::seconds(seconds);
    out.ties_certificate = from.is_on("tie-certificate");
    if (out.ties_certificate && !from.has("client-ca"))
        return Error{"--tie-certificate: needs --client-ca"};
    if (!from.has("device-secret-file")) return out;
    if (from.has("username"))
        return Error{"--device-secret-file: in the place of --username, not beside it"};
    const auto& path = from.text("device-secret-file");
    SLUICE_TRY(auto secret, net::read_input_file(path, 1024));
    secret.resize(std::min(secret.find_first_of("\r\n"), secret.size()));
    if (secret.size() < kShortestSecret)
        return Error{"--device-secret-file: " + path + ": shorter than " +
                     std::to_string(kShortestSecret) + " characters"};
    out.device_secret = std::move(secret);
    return out;
}

}  // namespace sluice::acs
