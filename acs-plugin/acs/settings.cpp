#include "acs-plugin/acs/settings.hpp"

#include <algorithm>

#include "engine/net/input_file.hpp"

namespace sluice::acs {
namespace {

constexpr net::OptionSpec kOptions[] = {
    {"listen", "ADDR:PORT", "CWMP, for devices (default 0.0.0.0:7547)"},
    {"origin-listen", "ADDR:PORT", "files, for devices (default 0.0.0.0:7548)"},
    {"api-listen", "ADDR:PORT", "the REST API, for operators (default 127.0.0.1:7549)"},
    {"origin-url", "URL", "how devices reach the origin (default: what it listens on)"},
    {"store", "FILE", "the database, SQLite; made where it is not there"},
    {"db", "URL", "or a database on PostgreSQL: postgresql://user@host/name?passfile=…"},
    {"history-days", "DAYS", "what happened is remembered so long (default 400)"},
    {"history-events", "NUMBER", "and no more events than that (default 20000000)"},
    {"cluster-listen", "ADDR:PORT", "for other nodes on the same PostgreSQL"},
    {"cluster-address", "HOST:PORT",
     "how the other nodes reach this one (default: what it listens on)"},
    {"cluster-secret-file", "FILE", "what all nodes know, and nobody else; 16 characters or more"},
    {"images", "DIR", "the published files"},
    {"backup-keys", "FILE",
     "seals devices' configurations: id:64 hex digits a line, the first seals\n(without: none are "
     "kept)"},
    {"conversions", "FILE", "how a configuration becomes newer software's, JSON"},
    {"conversion-limit", "SECONDS", "a program among them is ended then (default 60)"},
    {"backups-kept", "NUMBER", "configurations of a device, beside those in use (default 3)"},
    {"backup-days", "DAYS", "and no longer than that (default 400)"},
    {"policy", "FILE", "grouping, masters and planning, JSON"},
    {"mapping", "FILE", "which parameters say what, JSON (default: built in)"},
    {"username", "NAME", "devices authenticate with this name"},
    {"password-file", "FILE", "and this password"},
    {"connection-username", "NAME", "connection requests authenticate with this name"},
    {"connection-password-file", "FILE", "and this password"},
    {"origin-username", "NAME", "downloads authenticate with this name"},
    {"origin-password-file", "FILE", "and this password"},
    {"metrics-listen", "ADDR:PORT",
     "/metrics, /health and /ready of this node, for who watches it"},
    {"api-token-file", "FILE", "Bearer token of the REST API"},
    {"tls-certificate", "FILE", "PEM, of CWMP and the origin; without: plain HTTP"},
    {"tls-key", "FILE", "PEM, its key"},
    {"client-ca", "FILE", "PEM: devices show a certificate of this authority (CWMP)"},
    {"site-rate", "BPS", "what the origin sends to one site, bits a second (default: no limit)"},
    {"origin-rate", "BPS", "what the origin sends in all, bits a second (default: no limit)"},
    {"origin-transfers", "N", "files the origin sends at a time (default: no limit)"},
    {"lan-prefix", "CIDR,…",
     "where a device's own file server may be (default: private and link-local\naddresses)"},
    {"call-prefix", "CIDR,…",
     "where connection requests may go, beside the address a device reports from"},
    {"insecure-lab", "", "secrets may go over plain HTTP, and devices need no password"},
    {"ready-file", "FILE", "written with the ports once everything listens, JSON"},
    {"log-format", "text|json", "lines on stderr for people or for machines"},
    {"log-level", "LEVEL", "debug, info (default), warning or error"},
};

// What only an ACS has a use for.
constexpr std::string_view kOfAcs[] = {"listen",
                                       "mapping",
                                       "username",
                                       "password-file",
                                       "connection-username",
                                       "connection-password-file",
                                       "client-ca",
                                       "call-prefix",
                                       "backup-keys",
                                       "conversions",
                                       "conversion-limit",
                                       "backups-kept",
                                       "backup-days"};

constexpr std::size_t kMaxSecret = 1024;
constexpr std::size_t kMaxConfig = 1024 * 1024;
constexpr std::uint64_t kMaxRate = 1'000'000'000'000;
constexpr std::uint64_t kMaxTransfers = 1'000'000;
constexpr std::uint64_t kMaxDays = 36'500;
constexpr std::uint64_t kMaxEvents = 1'000'000'000'000;
constexpr std::uint64_t kMostBackups = 1000;
constexpr std::uint64_t kMaxConversion = 3600;  // seconds
constexpr std::size_t kShortestSecret = 16;     // of nodes: it is the key to everything
constexpr std::string_view kLan =
    "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,fc00::/7,fe80::/10";

// The first line of a file that holds one secret.
Result<std::string> read_secret(const std::string& option, const std::string& path) {
    SLUICE_TRY(auto text, net::read_input_file(path, kMaxSecret));
    text.resize(std::min(text.find_first_of("\r\n"), text.size()));
    if (text.empty()) return Error{"--" + option + ": " + path + " is empty"};
    return text;
}

Result<http::Credentials> read_credentials(const net::Options& from, const std::string& prefix) {
    const auto name = prefix + "username", file = prefix + "password-file";
    if (from.has(name) != from.has(file))
        return Error{"--" + name + " and --" + file + ": both or neither"};
    if (!from.has(name)) return http::Credentials{};
    SLUICE_TRY(auto password, read_secret(file, from.text(file)));
    return http::Credentials{from.text(name), std::move(password)};
}

Result<std::vector<net::ListenAddress>> read_listen(const net::Options& from,
                                                    const std::string& name,
                                                    const char* otherwise) {
    auto out = net::parse_listen_address(from.has(name) ? from.text(name) : otherwise);
    if (!out.has_value()) return std::move(out.error()).within("--" + name);
    return out;
}

Result<std::vector<inventory::Prefix>> read_prefixes(const net::Options& from,
                                                     const std::string& name,
                                                     std::string_view otherwise) {
    std::vector<inventory::Prefix> out;
    std::string_view rest = from.has(name) ? std::string_view(from.text(name)) : otherwise;
    while (!rest.empty()) {
        const auto end = std::min(rest.find_first_of(", "), rest.size());
        if (end > 0) {
            auto prefix = inventory::parse_prefix(rest.substr(0, end));
            if (!prefix.has_value()) return std::move(prefix.error()).within("--" + name);
            out.push_back(prefix.value());
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return out;
}

bool is_wildcard(const std::string& address) {
    return address == "0.0.0.0" || address == "::";
}

Result<std::string> read_store(const net::Options& from) {
    if (from.has("store") && from.has("db")) return Error{"--store and --db: one of them"};
    if (from.has("store")) return from.text("store");
    if (!from.has("db")) return Error{"--store: is needed (or --db)"};
    if (!store::is_shared(from.text("db")))
        return Error{"--db: is not a URL as postgresql://host/name"};
    return from.text("db");
}

bool is_loopback(const std::string& address) {
    return address == "::1" || address.starts_with("127.");
}

// What would go over a wire for everybody to read, or let everybody in.
Result<void> check_secrecy(const net::Options& from, const AcsSettings& s) {
    const bool is_open =
        std::ranges::any_of(s.api_listen, [](const auto& a) { return !is_loopback(a.address); });
    if (is_open && s.api_token.empty())
        return Error{"--api-listen: beyond this machine only with --api-token-file"};
    if (from.is_on("insecure-lab")) return success();
    if (s.tls.certificate.empty())
        return Error{
            "--tls-certificate: without it passwords and keys would go over plain HTTP "
            "(in a lab: --insecure-lab)"};
    const bool is_closed =
        !s.cpe.username.empty() || !s.endpoint.device_secret.empty() || !s.tls.client_ca.empty();
    if (s.program == Program::acs && !is_closed)
        return Error{
            "--username: without it, or --client-ca, anybody may report for any device "
            "(in a lab: --insecure-lab)"};
    return success();
}

Result<void> read_files(const net::Options& from, AcsSettings& out) {
    out.mapping = mapping::built_in_mapping();
    if (from.has("mapping")) {
        SLUICE_TRY(const auto text, net::read_input_file(from.text("mapping"), kMaxConfig));
        auto mapping = mapping::parse_mapping(text);
        if (!mapping.has_value()) return std::move(mapping.error()).within(from.text("mapping"));
        out.mapping = std::move(mapping.value());
    }
    // Defaults too go through the parser: one place knows them.
    std::string policy = "{}";
    if (from.has("policy")) {
        SLUICE_TRY(policy, net::read_input_file(from.text("policy"), kMaxConfig));
    }
    auto fleet = planning::parse_fleet_policy(policy);
    if (!fleet.has_value())
        return std::move(fleet.error()).within(from.has("policy") ? from.text("policy") : "policy");
    out.fleet = std::move(fleet.value());
    SLUICE_TRY(out.cpe, read_credentials(from, ""));
    SLUICE_TRY(out.connection, read_credentials(from, "connection-"));
    SLUICE_TRY(out.origin, read_credentials(from, "origin-"));
    if (from.has("api-token-file")) {
        SLUICE_TRY(out.api_token, read_secret("api-token-file", from.text("api-token-file")));
    }
    return success();
}

Result<void> read_backups(const net::Options& from, AcsSettings& out) {
    SLUICE_TRY(const auto kept, from.number("backups-kept", out.backups_kept, kMostBackups));
    SLUICE_TRY(const auto days, from.number("backup-days", out.history.backup_days, kMaxDays));
    out.backups_kept = static_cast<std::uint32_t>(kept);
    out.history.backup_days = static_cast<std::uint32_t>(days);
    SLUICE_TRY(const auto limit, from.number("conversion-limit", 60, kMaxConversion));
    out.conversion_limit = std::chrono::seconds(std::max<std::uint64_t>(limit, 1));
    if (from.has("conversions")) {
        SLUICE_TRY(const auto text, net::read_input_file(from.text("conversions"), kMaxConfig));
        auto read = conversion::parse_conversions(text);
        if (!read.has_value()) return std::move(read.error()).within(from.text("conversions"));
        out.conversions = std::move(read.value());
    }
    if (!from.has("backup-keys")) return success();
    auto keys = backup::KeyRing::read(from.text("backup-keys"));
    if (!keys.has_value()) return std::move(keys.error()).within("--backup-keys");
    out.backup_keys = std::move(keys).value();
    return success();
}

Result<void> read_cluster(const net::Options& from, AcsSettings& out) {
    SLUICE_TRY(const auto days, from.number("history-days", out.history.days, kMaxDays));
    out.history.days = static_cast<std::uint32_t>(days);
    SLUICE_TRY(out.history.events, from.number("history-events", out.history.events, kMaxEvents));
    if (!from.has("cluster-listen")) return success();
    if (!store::is_shared(out.store))
        return Error{"--cluster-listen: several nodes stand on PostgreSQL only (--db)"};
    SLUICE_TRY(out.cluster_listen, read_listen(from, "cluster-listen", ""));
    out.cluster_address = from.text("cluster-address");
    if (out.cluster_address.empty() && is_wildcard(out.cluster_listen.front().address))
        return Error{"--cluster-address: is needed, as --cluster-listen is every address and none"};
    if (!from.has("cluster-secret-file"))
        return Error{"--cluster-secret-file: is needed with --cluster-listen"};
    SLUICE_TRY(out.cluster_secret,
               read_secret("cluster-secret-file", from.text("cluster-secret-file")));
    if (out.cluster_secret.size() < kShortestSecret)
        return Error{"--cluster-secret-file: is shorter than " + std::to_string(kShortestSecret) +
                     " characters"};
    return success();
}

}  // namespace

std::string_view name_of(Program program) {
    return program == Program::acs ? "sluice-acs" : "sluice-planner";
}

std::span<const net::OptionSpec> acs_options(Program program) {
    static const std::vector<net::OptionSpec> of_planner = [] {
        std::vector<net::OptionSpec> out;
        for (const auto& option : kOptions)
            if (std::ranges::find(kOfAcs, option.name) == std::end(kOfAcs)) out.push_back(option);
        return out;
    }();
    static const std::vector<net::OptionSpec> of_acs = [] {
        std::vector<net::OptionSpec> out(std::begin(kOptions), std::end(kOptions));
        const auto more = endpoint_options();
        out.insert(out.end(), more.begin(), more.end());
        return out;
    }();
    return program == Program::planner ? of_planner : of_acs;
}

Result<AcsSettings> read_settings(const net::Options& from, Program program) {
    AcsSettings out;
    out.program = program;
    SLUICE_TRY(out.store, read_store(from));
    if (!from.has("images")) return Error{"--images: is needed"};
    out.images = from.text("images");
    out.ready_file = from.text("ready-file");
    if (program == Program::acs) {
        SLUICE_TRY(out.listen, read_listen(from, "listen", "0.0.0.0:7547"));
        SLUICE_TRY(out.endpoint, read_endpoint_settings(from));
        SLUICE_CHECK(read_backups(from, out));
    }
    SLUICE_TRY(out.origin_listen, read_listen(from, "origin-listen", "0.0.0.0:7548"));
    SLUICE_TRY(out.api_listen, read_listen(from, "api-listen", "127.0.0.1:7549"));
    if (from.has("metrics-listen")) {
        SLUICE_TRY(out.metrics_listen, read_listen(from, "metrics-listen", ""));
    }
    out.origin_url = from.text("origin-url");
    while (out.origin_url.ends_with('/')) out.origin_url.pop_back();
    if (out.origin_url.empty() && is_wildcard(out.origin_listen.front().address))
        return Error{"--origin-url: is needed, as --origin-listen is every address and none"};
    SLUICE_CHECK(read_files(from, out));
    if (from.has("tls-certificate") != from.has("tls-key"))
        return Error{"--tls-certificate and --tls-key: both or neither"};
    out.tls = {from.text("tls-certificate"), from.text("tls-key"), from.text("client-ca")};
    if (out.tls.certificate.empty() && !out.tls.client_ca.empty())
        return Error{"--client-ca: needs --tls-certificate"};
    SLUICE_TRY(out.site_rate_bps, from.number("site-rate", 0, kMaxRate));
    SLUICE_TRY(out.origin_rate_bps, from.number("origin-rate", 0, kMaxRate));
    SLUICE_TRY(const auto transfers, from.number("origin-transfers", 0, kMaxTransfers));
    out.origin_transfers = static_cast<std::uint32_t>(transfers);
    SLUICE_TRY(out.lan, read_prefixes(from, "lan-prefix", kLan));
    SLUICE_TRY(out.callable, read_prefixes(from, "call-prefix", ""));
    SLUICE_CHECK(read_cluster(from, out));
    SLUICE_CHECK(check_secrecy(from, out));
    return out;
}

}  // namespace sluice::acs
