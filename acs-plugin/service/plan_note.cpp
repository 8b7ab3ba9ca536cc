#include "acs-plugin/service/plan_note.hpp"

#include <limits>

#include "acs-plugin/service/json_text.hpp"
#include "engine/grouping/json_reader.hpp"

namespace sluice::service {
namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;
constexpr std::size_t kMaxIdentity = 640;
constexpr std::size_t kMaxWords = 1024;
constexpr std::uint64_t kAny = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kAny32 = std::numeric_limits<std::uint32_t>::max();

constexpr std::string_view kRoles[] = {"master", "slave"};
constexpr std::string_view kOrders[] = {"none", "stage", "upgrade"};
constexpr std::string_view kProofs[] = {"none", "trying", "passed", "faulted"};
constexpr std::string_view kDraws[] = {"none", "due", "out"};
constexpr std::string_view kGuards[] = {"none", "preparing", "prepared"};

std::int64_t milliseconds(Duration d) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

Duration duration(grouping::JsonReader& from, std::string_view key) {
    return std::chrono::milliseconds(from.number_or(key, 0, 0, 1ull << 40));
}

std::uint32_t small(grouping::JsonReader& from, std::string_view key) {
    return static_cast<std::uint32_t>(from.number_or(key, 0, 0, kAny32));
}

WallTime time(grouping::JsonReader& from, std::string_view key) {
    return {static_cast<std::int64_t>(from.number_or(key, 0, 0, kAny))};
}

template <class Enum, std::size_t N>
std::string_view word(Enum value, const std::string_view (&names)[N]) {
    return names[static_cast<std::size_t>(value)];
}

void write_plan(const PlanNote& n, JsonText& out) {
    out.add("id", n.id);
    out.add("rank", n.rank);
    out.add("role", word(n.role, kRoles));
    out.add("sources", n.sources);
    out.add("is_direct", n.is_direct);
    out.add("is_staged", n.is_staged);
    if (n.serving) {
        JsonText serving;
        serving.add("slots", n.serving->slots);
        serving.add("reserved_slots", n.serving->reserved_slots);
        serving.add("rate_cap_bps", n.serving->rate_cap_bps);
        serving.add("cpu_gate_percent", n.serving->cpu_gate_percent);
        out.add("serving", std::move(serving));
    }
    JsonText budgets;
    budgets.add("origin_bytes", n.budgets.origin_bytes);
    budgets.add("origin_delay_ms", milliseconds(n.budgets.origin_delay));
    budgets.add("join_grace_ms", milliseconds(n.budgets.join_grace));
    budgets.add("starve_limit_ms", milliseconds(n.budgets.starve_limit));
    budgets.add("parallel_sources", n.budgets.parallel_sources);
    out.add("budgets", std::move(budgets));
    // As text: other readers of JSON keep no 64 bits.
    out.add("seed", std::to_string(n.seed));
    out.add("refresh_s", n.refresh_s);
    out.add("kind", n.kind);
    out.add("topology", n.topology);
    if (!n.topology_why.empty()) out.add("topology_why", n.topology_why);
    if (n.is_in_swarm) out.add("is_in_swarm", true);
    out.add("planned_ms", n.planned.unix_ms);
}

std::optional<planning::ServingTerms> read_serving(grouping::JsonReader& root) {
    auto from = root.object_if_any("serving");
    if (!from) return std::nullopt;
    planning::ServingTerms out;
    out.slots = small(*from, "slots");
    out.reserved_slots = small(*from, "reserved_slots");
    out.rate_cap_bps = from->number_or("rate_cap_bps", 0, 0, kAny);
    out.cpu_gate_percent = small(*from, "cpu_gate_percent");
    return out;
}

planning::Budgets read_budgets(grouping::JsonReader& root) {
    planning::Budgets out;
    auto from = root.object_if_any("budgets");
    if (!from) return out;
    out.origin_bytes = from->number_or("origin_bytes", 0, 0, kAny);
    out.origin_delay = duration(*from, "origin_delay_ms");
    out.join_grace = duration(*from, "join_grace_ms");
    out.starve_limit = duration(*from, "starve_limit_ms");
    out.parallel_sources = small(*from, "parallel_sources");
    return out;
}

std::uint64_t read_seed(grouping::JsonReader& from) {
    std::uint64_t out = 0;
    for (const char c : from.text_or("seed", "0", 20)) {
        if (c < '0' || c > '9') return from.refuse("seed", "is not a number"), 0;
        out = out * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return out;
}

}  // namespace

std::string to_json(const PlanNote& n) {
    JsonText out;
    if (n.is_planned()) write_plan(n, out);
    if (n.orders > 0) {
        out.add("orders", n.orders);
        out.add("order", word(n.order, kOrders));
        out.add("is_taken", n.is_taken);
        out.add("given_ms", n.given.unix_ms);
    }
    if (n.takes_from_origin) out.add("takes_from_origin", true);
    if (n.proof != rollout::Proof::none) out.add("proof", word(n.proof, kProofs));
    if (n.reason != rollout::Reason::none) out.add("reason", static_cast<int>(n.reason));
    if (n.draw != rollout::Draw::none) out.add("draw", word(n.draw, kDraws));
    if (n.guard != rollout::Guard::none) out.add("guard", word(n.guard, kGuards));
    if (n.is_alarming) out.add("is_alarming", true);
    if (n.is_late) out.add("is_late", true);
    if (n.heard.unix_ms != 0) out.add("heard_ms", n.heard.unix_ms);
    if (n.booted.unix_ms != 0) out.add("booted_ms", n.booted.unix_ms);
    if (n.missed.unix_ms != 0) out.add("missed_ms", n.missed.unix_ms);
    if (!n.server.empty()) out.add("server", n.server);
    if (n.fetched.unix_ms != 0) out.add("fetched_ms", n.fetched.unix_ms);
    if (!n.words.empty()) out.add("words", n.words);
    if (out.is_empty()) return {};
    return std::move(out).finish();
}

Result<PlanNote> parse_plan_note(std::string_view json) {
    PlanNote out;
    if (json.empty()) return out;
    SLUICE_TRY(auto document, grouping::JsonDocument::parse(json, kMaxBytes));
    auto root = document.root(grouping::UnknownKeys::ignored);
    out.id = root.text_or("id", "", 32);
    out.rank = small(root, "rank");
    out.role = static_cast<planning::Role>(root.choice_or("role", 1, kRoles));
    out.sources = root.texts_or_none("sources", 4096, kMaxIdentity);
    out.is_direct = root.flag_or("is_direct", false);
    out.is_staged = root.flag_or("is_staged", false);
    out.serving = read_serving(root);
    out.budgets = read_budgets(root);
    out.seed = read_seed(root);
    out.refresh_s = small(root, "refresh_s");
    out.kind = root.text_or("kind", "", 64);
    out.topology = root.text_or("topology", "", 16);
    out.topology_why = root.text_or("topology_why", "", kMaxWords);
    out.is_in_swarm = root.flag_or("is_in_swarm", false);
    out.planned = time(root, "planned_ms");
    out.orders = small(root, "orders");
    out.order = static_cast<rollout::OrderKind>(root.choice_or("order", 0, kOrders));
    out.is_taken = root.flag_or("is_taken", false);
    out.given = time(root, "given_ms");
    out.takes_from_origin = root.flag_or("takes_from_origin", false);
    out.proof = static_cast<rollout::Proof>(root.choice_or("proof", 0, kProofs));
    const auto last = static_cast<std::uint64_t>(rollout::Reason::other_image);
    out.reason = static_cast<rollout::Reason>(root.number_or("reason", 0, 0, last));
    out.draw = static_cast<rollout::Draw>(root.choice_or("draw", 0, kDraws));
    out.guard = static_cast<rollout::Guard>(root.choice_or("guard", 0, kGuards));
    out.is_alarming = root.flag_or("is_alarming", false);
    out.is_late = root.flag_or("is_late", false);
    out.heard = time(root, "heard_ms");
    out.booted = time(root, "booted_ms");
    out.missed = time(root, "missed_ms");
    out.server = root.text_or("server", "", kMaxIdentity);
    out.fetched = time(root, "fetched_ms");
    out.words = root.text_or("words", "", kMaxWords);
    SLUICE_CHECK(document.verdict());
    return out;
}

}  // namespace sluice::service
