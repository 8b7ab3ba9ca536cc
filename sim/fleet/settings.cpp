#include "sim/fleet/settings.hpp"

#include <algorithm>

#include "engine/http/text.hpp"
#include "engine/net/input_file.hpp"
#include "sim/scenario/quantity.hpp"

namespace sluice::sim::fleet {
namespace {

using scenario::Unit;

constexpr net::OptionSpec kOptions[] = {
    {"acs", "URL", "the ACS; again, or after a comma: more nodes of the same one"},
    {"devices", "N", "how many CPEs (1000)"},
    {"first", "N", "number of the first (0): several fleets under one ACS"},
    {"agents", "SHARE", "of them with an agent (100 %); the others are plain CPEs"},
    {"site-size", "N", "devices a site (1); the first of a site is its gateway"},
    {"manufacturer", "NAME", "(Acme)"},
    {"oui", "HEX", "(00D09E)"},
    {"product-class", "NAME", "(GW3)"},
    {"hardware-version", "TEXT", "(A)"},
    {"software-version", "TEXT", "what they run at first (1.0)"},
    {"serial-prefix", "TEXT", "before the number (F)"},
    {"target-version", "TEXT", "what a plain CPE runs after an upgrade (the file's name)"},
    {"data-model", "tr181|tr098", "(tr181)"},
    {"inform-bytes", "N", "pad every Inform to about so many bytes"},
    {"username", "NAME", "devices authenticate with this name"},
    {"password-file", "FILE", "and this password"},
    {"device-secret-file", "FILE", "each with its identity, and a password made of this secret"},
    {"connection-username", "NAME", "the ACS calls with this name"},
    {"connection-password-file", "FILE", "and this password"},
    {"ca-file", "FILE", "PEM: who may sign the ACS's certificate (the system's)"},
    {"client-certificate", "FILE", "PEM, shown by all devices"},
    {"client-key", "FILE", "PEM, its key"},
    {"no-resume", "", "a full TLS handshake for every connection"},
    {"source", "ADDR/BITS", "connect from these addresses in turn (to loopback: 127.1.0.0/24)"},
    {"peer-net", "ADDR/BITS", "where devices say that neighbours find them (10.0.0.0/8)"},
    {"listen", "ADDR:PORT", "take connection requests there (0: any port)"},
    {"listen-ports", "N", "and on the ports behind it (1)"},
    {"boot-spread", "TIME", "first sessions begin within (0 s)"},
    {"period", "TIME", "PeriodicInformInterval (24 h; 0 s: none)"},
    {"longest-silence", "TIME", "one session at least in (24 h; 0 s: none)"},
    {"retry-minimum", "N", "CWMPRetryMinimumWaitInterval, seconds (5)"},
    {"at-once", "N", "sessions open at a time (256)"},
    {"answer-timeout", "TIME", "(60 s)"},
    {"fetch", "none|head|whole", "of an image from a server (head)"},
    {"fetches-at-once", "N", "(256)"},
    {"fetch-rate", "RATE", "of one device from a server (no cap)"},
    {"peer-rate", "RATE", "from an emulated neighbour (no cap)"},
    {"install-time", "TIME", "(1 s)"},
    {"reboot-time", "TIME", "(2 s)"},
    {"fall-back-time", "TIME", "from a bad image to the old one (5 s)"},
    {"fault-refuse", "SHARE", "of orders: answered with 9001"},
    {"fault-transfer", "SHARE", "of orders: fail with --fault-code"},
    {"fault-code", "N", "(9010)"},
    {"fault-lost", "SHARE", "of devices: never come back from an upgrade"},
    {"fault-unhealthy", "SHARE", "of devices: fall back from every upgrade"},
    {"seed", "N", "of everything that is drawn (1)"},
    {"sessions", "N", "end after so many good sessions"},
    {"rounds", "N", "end after so many good sessions of each device"},
    {"until-version", "TEXT", "end when all report it"},
    {"duration", "TIME", "end after"},
    {"time-limit", "TIME", "give up after: exit status 1"},
    {"warm-up-sessions", "N", "before the measurement begins"},
    {"acs-pid", "PID,…", "processes of the ACS whose CPU time is told"},
    {"devices-csv", "FILE", "a row a device: sessions, installs, downloads, faults"},
    {"json", "", "the result as JSON"},
    {"quiet", "", "no progress bar"},
    {"help", "", "print this"},
};

constexpr std::size_t kMaxSecret = 1024;
constexpr std::uint32_t kMaxDevices = 10'000'000;
constexpr std::uint32_t kMaxSources = 65'536;

class Reader {
public:
    explicit Reader(const net::Options& options) : options_(options) {}

    bool has(std::string_view name) const { return options_.has(name); }
    bool is_on(std::string_view name) const { return options_.is_on(name); }
    std::string text(std::string_view name, std::string otherwise = {}) const {
        return has(name) ? options_.text(name) : std::move(otherwise);
    }
    // The first thing wrong stays in verdict(); what follows reads as its default.
    template <class Number>
    void number(std::string_view name, Number& out, std::uint64_t most) {
        const auto read = options_.number(name, out, most);
        if (!read) return refuse(read.error());
        out = static_cast<Number>(read.value());
    }
    void quantity(std::string_view name, double& out, Unit unit) {
        if (!has(name)) return;
        auto read = scenario::parse_quantity(options_.text(name), unit);
        if (!read) return refuse(std::move(read).error().within("--" + std::string(name)));
        out = read.value();
    }
    void share(std::string_view name, double& out) {
        quantity(name, out, Unit::share);
        if (out < 0 || out > 1) refuse(Error{"--" + std::string(name) + ": 0 % to 100 %"});
    }
    void time(std::string_view name, Duration& out, Duration otherwise) {
        double seconds = std::chrono::duration<double>(otherwise).count();
        quantity(name, seconds, Unit::time);
        if (seconds < 0 || seconds > 1e9)
            return refuse(Error{"--" + std::string(name) + ": is no time to wait"});
        out = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    }
    void secret(std::string_view name, std::string& out) {
        if (!has(name)) return;
        auto read = net::read_input_file(options_.text(name), kMaxSecret);
        if (!read) return refuse(read.error());
        out = std::move(read).value();
        out.resize(std::min(out.find_first_of("\r\n"), out.size()));
        if (out.empty()) refuse(Error{"--" + std::string(name) + ": is empty"});
    }
    void credentials(const std::string& prefix, http::Credentials& out) {
        const auto name = prefix + "username", file = prefix + "password-file";
        if (has(name) != has(file))
            return refuse(Error{"--" + name + " and --" + file + ": both or neither"});
        out.username = text(name);
        secret(file, out.password);
    }
    void refuse(Error error) {
        if (!error_) error_ = std::move(error);
    }
    Result<void> verdict() const {
        if (error_) return *error_;
        return success();
    }

private:
    const net::Options& options_;
    std::optional<Error> error_;
};

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> out;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        if (const auto one = http::trim(list.substr(0, comma)); !one.empty()) out.emplace_back(one);
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return out;
}

void read_acs(Reader& from, const std::vector<std::string>& given, FleetSettings& out) {
    for (const auto& list : given.empty() ? std::vector{from.text("acs")} : given)
        for (const auto& text : split(list)) {
            auto url = net::parse_url(text);
            if (!url) return from.refuse(std::move(url).error().within("--acs"));
            out.acs.push_back(std::move(url).value());
        }
    if (out.acs.empty()) from.refuse(Error{"--acs: is needed"});
}

void read_sources(Reader& from, FleetSettings& out) {
    auto text = from.text("source");
    // One address has 28,000 ports towards one ACS, and each rests for a minute.
    const bool is_loopback =
        std::ranges::all_of(out.acs, [](const auto& u) { return u.host.starts_with("127."); });
    if (text.empty() && is_loopback) text = "127.1.0.0/24";
    if (text.empty()) return;
    if (text.find('/') == text.npos) text += text.find(':') == text.npos ? "/32" : "/128";
    auto prefix = inventory::parse_prefix(text);
    if (!prefix) return from.refuse(std::move(prefix).error().within("--source"));
    out.sources = prefix.value();
    const auto host_bits = 128u - prefix.value().bits;
    out.source_count = host_bits >= 16 ? kMaxSources : 1u << host_bits;
}

void read_peers(Reader& from, FleetSettings& out) {
    auto prefix = inventory::parse_prefix(from.text("peer-net", "10.0.0.0/8"));
    if (!prefix) return from.refuse(std::move(prefix).error().within("--peer-net"));
    out.peers = prefix.value();
    const auto host_bits = 128u - out.peers.bits;
    const auto last = std::uint64_t{out.first} + out.devices;
    if (host_bits < 32 && last >= std::uint64_t{1} << host_bits)
        from.refuse(Error{"--peer-net: has fewer addresses than there are devices"});
}

void read_identity(Reader& from, FleetSettings& out) {
    out.manufacturer = from.text("manufacturer", "Acme");
    out.oui = from.text("oui", "00D09E");
    out.product_class = from.text("product-class", "GW3");
    out.hardware_version = from.text("hardware-version", "A");
    out.software_version = from.text("software-version", "1.0");
    out.serial_prefix = from.text("serial-prefix", "F");
    out.target_version = from.text("target-version");
    const auto model = from.text("data-model", "tr181");
    out.is_tr098 = model == "tr098";
    if (model != "tr181" && model != "tr098") from.refuse(Error{"--data-model: tr181 or tr098"});
    from.number("devices", out.devices, kMaxDevices);
    if (out.devices == 0) from.refuse(Error{"--devices: at least one"});
    from.number("first", out.first, kMaxDevices);
    from.share("agents", out.agents);
    from.number("site-size", out.site_size, 1'000'000);
    out.site_size = std::max(out.site_size, 1u);
    from.number("inform-bytes", out.inform_bytes, 256 * 1024);
    from.credentials("", out.who);
    from.credentials("connection-", out.call);
    from.secret("device-secret-file", out.device_secret);
    if (!out.device_secret.empty() && !out.who.username.empty())
        from.refuse(Error{"--device-secret-file: in the place of --username, not beside it"});
    out.ca_file = from.text("ca-file");
    out.client_certificate = from.text("client-certificate");
    out.client_key = from.text("client-key");
    out.resumes_tls = !from.is_on("no-resume");
}

void read_behaviour(Reader& from, FleetSettings& out) {
    if (from.has("listen")) {
        auto listen = net::parse_listen_address(from.text("listen"));
        if (!listen) return from.refuse(std::move(listen).error().within("--listen"));
        out.listen = listen.value().front();
    }
    from.number("listen-ports", out.listen_ports, 10'000);
    out.listen_ports = std::max(out.listen_ports, 1u);
    from.time("boot-spread", out.boot_spread, 0s);
    from.time("period", out.period, std::chrono::hours(24));
    from.time("longest-silence", out.longest_silence, std::chrono::hours(24));
    from.number("retry-minimum", out.retry_minimum_s, 86'400);
    from.number("at-once", out.at_once, 1'000'000);
    out.at_once = std::max(out.at_once, 1u);
    from.time("answer-timeout", out.answer_timeout, 60s);
    const auto mode = from.text("fetch", "head");
    out.fetch = mode == "none"   ? FetchMode::none
                : mode == "head" ? FetchMode::head
                                 : FetchMode::whole;
    if (mode != "none" && mode != "head" && mode != "whole")
        from.refuse(Error{"--fetch: none, head or whole"});
    from.number("fetches-at-once", out.fetches_at_once, 1'000'000);
    out.fetches_at_once = std::max(out.fetches_at_once, 1u);
    from.quantity("fetch-rate", out.fetch_bps, Unit::rate);
    from.quantity("peer-rate", out.peer_bps, Unit::rate);
    if (out.fetch_bps < 0 || out.peer_bps < 0)
        from.refuse(Error{"--fetch-rate, --peer-rate: not below zero"});
    from.time("install-time", out.install_time, 1s);
    from.time("reboot-time", out.reboot_time, 2s);
    from.time("fall-back-time", out.fall_back_time, 5s);
    from.share("fault-refuse", out.faults.refuse);
    from.share("fault-transfer", out.faults.transfer);
    from.number("fault-code", out.faults.transfer_code, 9899);
    from.share("fault-lost", out.faults.lost);
    from.share("fault-unhealthy", out.faults.unhealthy);
}

void read_end(Reader& from, FleetSettings& out) {
    from.number("seed", out.seed, UINT64_MAX);
    from.number("sessions", out.sessions, UINT64_MAX);
    from.number("rounds", out.rounds, UINT32_MAX);
    out.until_version = from.text("until-version");
    from.time("duration", out.duration, 0s);
    from.time("time-limit", out.time_limit, 0s);
    from.number("warm-up-sessions", out.warm_up_sessions, UINT64_MAX);
    for (const auto& text : split(from.text("acs-pid"))) {
        const auto pid = http::parse_number<std::uint32_t>(text);
        if (!pid) return from.refuse(Error{"--acs-pid: '" + text + "' is no process"});
        out.acs_pids.push_back(static_cast<int>(*pid));
    }
    out.devices_csv = from.text("devices-csv");
}

}  // namespace

std::span<const net::OptionSpec> fleet_options() {
    return kOptions;
}

Result<FleetSettings> read_fleet_settings(const net::Options& options,
                                          const std::vector<std::string>& acs) {
    FleetSettings out;
    Reader from(options);
    read_acs(from, acs, out);
    SLUICE_CHECK(from.verdict());
    read_sources(from, out);
    read_identity(from, out);
    read_behaviour(from, out);
    read_peers(from, out);
    read_end(from, out);
    SLUICE_CHECK(from.verdict());
    return out;
}

}  // namespace sluice::sim::fleet
