#include "engine/planning/assignment_json.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/base/bytes.hpp"
#include "engine/base/utc.hpp"
#include "engine/grouping/json_reader.hpp"
#include "engine/inventory/address.hpp"

namespace sluice::planning {
namespace {

using grouping::JsonReader;

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMaxUrl = 2048;
constexpr std::size_t kMaxCredential = 256;
constexpr std::size_t kMaxManifest = 64 * 1024;  // DESIGN §4
constexpr std::uint64_t kDayMs = 24ull * 60 * 60 * 1000;
constexpr std::uint64_t kLeastSwarmMemory = 1 << 20;  // a piece of the largest kind
constexpr std::uint64_t kAnyNumber = std::numeric_limits<std::uint64_t>::max();

constexpr std::string_view kRoles[] = {"master", "slave"};
constexpr std::string_view kKinds[] = {"origin", "peer"};
constexpr std::string_view kTransports[] = {"tcp", "utp"};

bool is_token(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '.' || c == '_' || c == '-';
    });
}

// Nothing that could end a header line or a URL early.
bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_http_url(std::string_view url) {
    for (const std::string_view scheme : {"http://", "https://"})
        if (url.substr(0, scheme.size()) == scheme)
            return is_visible(url) && url.size() > scheme.size() && url[scheme.size()] != '/';
    return false;
}

std::string read_token(JsonReader& from, std::string_view key, std::size_t max_length) {
    auto out = from.text(key, 1, max_length);
    if (!is_token(out)) from.refuse(key, "has characters outside [A-Za-z0-9._-]");
    return out;
}

Source read_source(JsonReader& from) {
    Source out;
    out.kind = from.choice("kind", kKinds) == 0 ? SourceKind::origin : SourceKind::peer;
    out.url = from.text("url", 1, kMaxUrl);
    if (!is_http_url(out.url)) from.refuse("url", "is not an http or https URL");
    out.layer_url = from.text_or("layer_url", "", kMaxUrl);
    if (!out.layer_url.empty() && out.kind == SourceKind::peer)
        from.refuse("layer_url", "is for an origin only");
    if (!out.layer_url.empty() && !is_http_url(out.layer_url))
        from.refuse("layer_url", "is not an http or https URL");
    out.username = from.text_or("username", "", kMaxCredential);
    out.password = from.text_or("password", "", kMaxCredential);
    // Basic joins the two with a colon (RFC 7617).
    if (!is_visible(out.username) || out.username.find_first_of(":\"\\") != std::string::npos)
        from.refuse("username", "has characters that a header cannot carry");
    if (!is_visible(out.password)) from.refuse("password", "has characters outside visible ASCII");
    from.finish();
    return out;
}

std::vector<Source> read_sources(JsonReader& from) {
    std::vector<Source> out;
    for (auto& object : from.objects("sources", 1, kMaxSources)) {
        auto source = read_source(object);
        for (const auto& earlier : out) {
            // A ban is kept by place: the same source twice would outlive its ban.
            if (earlier.url == source.url) object.refuse("url", "is there twice");
            if (earlier.kind == SourceKind::origin && source.kind == SourceKind::peer)
                object.refuse("kind", "a peer stands behind the origin");
        }
        out.push_back(std::move(source));
    }
    return out;
}

ServingTerms read_serving(JsonReader& from) {
    ServingTerms out;
    out.master_key_hex = from.text("key", 64, 64);
    if (!from_hex(out.master_key_hex)) from.refuse("key", "is not 64 hex digits");
    out.slots = static_cast<std::uint32_t>(from.number_or("slots", out.slots, 0, 1024));
    out.reserved_slots =
        static_cast<std::uint32_t>(from.number_or("reserved_slots", out.reserved_slots, 0, 1024));
    out.rate_cap_bps = from.number_or("rate_cap_bps", 0, 0, kAnyNumber);
    out.cpu_gate_percent = static_cast<std::uint32_t>(
        from.number_or("cpu_gate_percent", out.cpu_gate_percent, 1, 100));
    from.finish();
    return out;
}

Budgets read_budgets(JsonReader& from) {
    Budgets out;
    out.origin_bytes = from.number_or("origin_bytes", 0, 0, kAnyNumber);
    out.origin_delay = std::chrono::milliseconds(from.number_or("origin_delay_ms", 0, 0, kDayMs));
    const auto wait_or = [&](const char* name, Duration usual, std::uint64_t least_ms) {
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(usual).count();
        return std::chrono::milliseconds(
            from.number_or(name, static_cast<std::uint64_t>(ms), least_ms, kDayMs));
    };
    out.join_grace = wait_or("join_grace_ms", out.join_grace, 0);
    out.starve_limit = wait_or("starve_limit_ms", out.starve_limit, 1000);
    out.parallel_sources = static_cast<std::uint32_t>(from.number_or("parallel_sources", 1, 1, 4));
    from.finish();
    return out;
}

SwarmPeer read_swarm_peer(JsonReader& from) {
    SwarmPeer out;
    out.address = from.text("address", 2, 45);
    if (!inventory::parse_address(out.address)) from.refuse("address", "is not an IP address");
    out.port = static_cast<std::uint16_t>(from.number("port", 1, 65535));
    from.finish();
    return out;
}

SwarmTerms read_swarm(JsonReader& from) {
    SwarmTerms out;
    out.port = static_cast<std::uint16_t>(from.number("port", 1, 65535));
    for (auto& object : from.objects("peers", 0, kMaxSwarmPeers))
        out.peers.push_back(read_swarm_peer(object));
    out.transport = from.choice_or("transport", 0, kTransports) == 0 ? SwarmTransport::tcp
                                                                     : SwarmTransport::utp;
    out.upload_slots =
        static_cast<std::uint32_t>(from.number_or("upload_slots", out.upload_slots, 0, 1024));
    out.rate_cap_bps = from.number_or("rate_cap_bps", 0, 0, kAnyNumber);
    out.cpu_gate_percent = static_cast<std::uint32_t>(
        from.number_or("cpu_gate_percent", out.cpu_gate_percent, 1, 100));
    out.memory_bytes =
        from.number_or("memory_bytes", out.memory_bytes, kLeastSwarmMemory, std::uint64_t{1} << 30);
    from.finish();
    return out;
}

image::ImageId read_image(JsonReader& from) {
    const auto digest = image::Digest::from_hex(from.text("image", 64, 64));
    if (!digest) from.refuse("image", "is not 64 hex digits");
    return {digest.value_or(image::Digest{})};
}

std::string read_manifest(JsonReader& from) {
    const auto bytes = from_base64(from.text("manifest", 1, (kMaxManifest + 2) / 3 * 4));
    if (!bytes) from.refuse("manifest", "is not base64");
    return bytes ? std::string(as_text(*bytes)) : std::string{};
}

std::uint64_t read_seed(JsonReader& from) {
    const auto text = from.text("seed", 16, 16);
    std::uint64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
    if (error != std::errc{} || end != text.data() + text.size())
        from.refuse("seed", "is not 16 hex digits");
    return out;
}

UtcTime read_time(JsonReader& from, std::string_view key) {
    const auto time = parse_utc(from.text(key, 1, 32));
    if (!time.has_value()) from.refuse(key, time.error().message);
    return time.has_value() ? time.value() : UtcTime{};
}

std::string seed_hex(std::uint64_t seed) {
    Bytes bytes(8);
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(seed >> (56 - 8 * i));
    return to_hex(bytes);
}

std::int64_t milliseconds(Duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

nlohmann::ordered_json swarm_json(const SwarmTerms& swarm) {
    nlohmann::ordered_json out;
    out["port"] = swarm.port;
    out["peers"] = nlohmann::ordered_json::array();
    for (const auto& peer : swarm.peers)
        out["peers"].push_back({{"address", peer.address}, {"port", peer.port}});
    out["transport"] = kTransports[swarm.transport == SwarmTransport::tcp ? 0 : 1];
    out["upload_slots"] = swarm.upload_slots;
    out["rate_cap_bps"] = swarm.rate_cap_bps;
    out["cpu_gate_percent"] = swarm.cpu_gate_percent;
    out["memory_bytes"] = swarm.memory_bytes;
    return out;
}

nlohmann::ordered_json source_json(const Source& source) {
    nlohmann::ordered_json out;
    out["kind"] = kKinds[source.kind == SourceKind::origin ? 0 : 1];
    out["url"] = source.url;
    if (!source.layer_url.empty()) out["layer_url"] = source.layer_url;
    if (!source.username.empty()) {
        out["username"] = source.username;
        out["password"] = source.password;
    }
    return out;
}

}  // namespace

Result<Assignment> parse_assignment(std::string_view text) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(text, kMaxAssignmentBytes));
    auto root = document.root(grouping::UnknownKeys::ignored);
    // Another major version may mean anything: said before any other field is judged.
    if (root.number("version", 0, kAnyNumber) != kVersion)
        root.refuse("version", "is not 1, the only one spoken here");
    Assignment out;
    out.rollout = read_token(root, "rollout", 64);
    out.short_id = read_token(root, "id", 32);
    out.role = root.choice("role", kRoles) == 0 ? Role::master : Role::slave;
    out.image = read_image(root);
    out.manifest = read_manifest(root);
    out.sources = read_sources(root);
    if (auto serving = root.object_if_any("serving")) out.serving = read_serving(*serving);
    if (auto swarm = root.object_if_any("swarm")) out.swarm = read_swarm(*swarm);
    if (auto budgets = root.object_if_any("budgets")) out.budgets = read_budgets(*budgets);
    out.seed = read_seed(root);
    out.server_time = read_time(root, "server_time");
    out.refresh_s = static_cast<std::uint32_t>(root.number_or("refresh_s", 900, 10, 7 * 86400));
    root.finish();
    SLUICE_CHECK(document.verdict());
    return out;
}

std::string to_json(const Assignment& a) {
    nlohmann::ordered_json out;
    out["version"] = kVersion;
    out["rollout"] = a.rollout;
    out["id"] = a.short_id;
    out["role"] = kRoles[a.role == Role::master ? 0 : 1];
    out["image"] = a.image.hex();
    out["manifest"] = to_base64(as_bytes(a.manifest));
    out["sources"] = nlohmann::ordered_json::array();
    for (const auto& source : a.sources) out["sources"].push_back(source_json(source));
    if (a.serving)
        out["serving"] = {{"key", a.serving->master_key_hex},
                          {"slots", a.serving->slots},
                          {"reserved_slots", a.serving->reserved_slots},
                          {"rate_cap_bps", a.serving->rate_cap_bps},
                          {"cpu_gate_percent", a.serving->cpu_gate_percent}};
    if (a.swarm) out["swarm"] = swarm_json(*a.swarm);
    out["budgets"] = {{"origin_bytes", a.budgets.origin_bytes},
                      {"origin_delay_ms", milliseconds(a.budgets.origin_delay)},
                      {"join_grace_ms", milliseconds(a.budgets.join_grace)},
                      {"starve_limit_ms", milliseconds(a.budgets.starve_limit)},
                      {"parallel_sources", a.budgets.parallel_sources}};
    out["seed"] = seed_hex(a.seed);
    out["server_time"] = format_utc(a.server_time);
    out["refresh_s"] = a.refresh_s;
    // Bytes that are not UTF-8 must not throw here; the reader's checks refuse what they become.
    return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<SwarmTerms> parse_swarm(std::string_view text) {
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(text, kMaxAssignmentBytes));
    auto root = document.root(grouping::UnknownKeys::ignored);
    auto out = read_swarm(root);
    SLUICE_CHECK(document.verdict());
    return out;
}

std::string to_json(const SwarmTerms& swarm) {
    return swarm_json(swarm).dump();
}

}  // namespace sluice::planning
