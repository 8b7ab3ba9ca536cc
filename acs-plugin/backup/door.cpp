#include "acs-plugin/backup/door.hpp"

#include <algorithm>

#include "engine/http/basic.hpp"
#include "engine/http/text.hpp"

namespace sluice::backup {
namespace {

constexpr std::string_view kRealm = "sluice";
constexpr char kRetryAfter[] = "5";

net::HttpResponse plain_answer(unsigned status, std::string_view text) {
    return {status, {{"Content-Type", "text/plain"}}, std::string(text) + "\n"};
}

net::HttpResponse answer_of(Word word) {
    switch (word) {
        case Word::done:
            return plain_answer(201, "kept");
        case Word::replaced:
            return plain_answer(200, "kept in the place of what came before");
        case Word::over:
            return plain_answer(410, "this order is over");
        case Word::failed:
            return plain_answer(500, "not kept");
        case Word::busy:
        case Word::away:
            break;
    }
    auto out = plain_answer(503, "come again");
    out.fields.emplace_back("Retry-After", kRetryAfter);
    return out;
}

// What a PUT may not be here; empty: it is good.
std::string_view fault_of(const net::HttpRequest& request) {
    // A part of a file would be kept for the whole (RFC 9110 §14.5).
    if (!request.field("Content-Range").empty()) return "Content-Range: only whole files";
    const auto coding = request.field("Content-Encoding");
    if (!coding.empty() && !http::equal_ignoring_case(coding, "identity"))
        return "Content-Encoding: none is taken";
    return request.body().empty() ? "the file is empty" : "";
}

}  // namespace

Door::Door(const KeyRing& keys, Counter& counter, DoorOptions options)
    : tickets_(keys),
      counter_(counter),
      options_(std::move(options)),
      gate_(std::string(kRealm), options_.nonce_key, options_.nonces) {}

bool Door::is_for(std::string_view target) const {
    return target.starts_with("/u/") || target.starts_with("/c/");
}

std::optional<Claim> Door::claim_of(const net::HttpRequest& request, DoorTarget& target) const {
    const auto read = parse_door_target(request.target());
    if (!read) return std::nullopt;
    target = *read;
    auto claim = tickets_.read(read->token);
    if (!claim || claim->way != read->way) return std::nullopt;
    return claim;
}

// The token alone: nobody else can have made it. Digest comes with or after the body.
std::size_t Door::body_limit(const net::HttpRequest& head, std::size_t limit) const {
    DoorTarget target{};
    const auto claim = claim_of(head, target);
    const bool is_good =
        claim && claim->way == Way::up && head.method() == "PUT" && !is_expired(*claim);
    return is_good ? std::min(limit, kMaxBackup) : 0;
}

unsigned Door::status_without_body(const net::HttpRequest& head) const {
    DoorTarget target{};
    const auto claim = claim_of(head, target);
    if (!claim) return 404;
    return is_expired(*claim) ? 410 : 413;
}

void Door::on_request(const net::HttpRequest& request, Give give) {
    DoorTarget target{};
    const auto claim = claim_of(request, target);
    if (!claim) {
        ++counters_.unknown;
        return give(plain_answer(404, "no such resource"));
    }
    const bool is_up = claim->way == Way::up;
    const bool is_its_method =
        is_up ? request.method() == "PUT" : request.method() == "GET" || request.method() == "HEAD";
    if (!is_its_method) {
        auto refusal = plain_answer(405, is_up ? "PUT only" : "GET and HEAD only");
        refusal.fields.emplace_back("Allow", is_up ? "PUT" : "GET, HEAD");
        return give(refusal);
    }
    if (is_expired(*claim)) {
        ++counters_.expired;
        return give(plain_answer(410, "the time of this order is over"));
    }
    const auto identity = admit(request, target, *claim, give);
    if (!identity) return;
    is_up ? take(request, *claim, *identity, give) : hand_out(*claim, *identity, give);
}

// --- who it is --------------------------------------------------------------------------------

http::GateVerdict Door::judge(const net::HttpRequest& request, const DoorTarget& target,
                              const Claim& claim, std::string& name) {
    const auto field = request.field("Authorization");
    if (field.empty()) return http::GateVerdict::challenge;
    const auto schemes = http::parse_auth_field(field);
    if (!schemes || schemes->size() != 1) return http::GateVerdict::malformed;
    const auto password = tickets_.password(target.token);
    const auto basic = options_.allows_basic ? http::read_basic(schemes->front()) : std::nullopt;
    if (basic) {
        name = basic->username;
        const bool is_right = tag_of(name) == claim.tag &&
                              equal_in_constant_time(as_bytes(basic->password), as_bytes(password));
        return is_right ? http::GateVerdict::granted : http::GateVerdict::forged;
    }
    return gate_.judge(
        schemes->front(), request.method(), request.target(),
        [&](const http::DigestAuthorization& given) -> std::optional<std::string> {
            name = given.username;
            if (tag_of(name) != claim.tag) return std::nullopt;
            return http::password_digest(given, password);
        },
        options_.clock());
}

// The device's identity, or nothing: it has its answer.
std::optional<std::string> Door::admit(const net::HttpRequest& request, const DoorTarget& target,
                                       const Claim& claim, const Give& give) {
    std::string name;
    const auto verdict = judge(request, target, claim, name);
    if (verdict == http::GateVerdict::granted) return name;
    if (verdict != http::GateVerdict::challenge && verdict != http::GateVerdict::stale) {
        ++counters_.denied;
        if (options_.log)
            options_.log(request.client_address() + " denied: " + std::string(describe(verdict)));
    }
    auto denial = plain_answer(401, describe(verdict));
    const bool is_stale = verdict == http::GateVerdict::stale;
    for (auto& challenge : gate_.challenges(is_stale, options_.clock()))
        denial.fields.emplace_back("WWW-Authenticate", std::move(challenge));
    if (options_.allows_basic)
        denial.fields.emplace_back("WWW-Authenticate", http::format_basic_challenge(kRealm));
    give(denial);
    return std::nullopt;
}

// --- what it wants ----------------------------------------------------------------------------

void Door::take(const net::HttpRequest& request, const Claim& claim, const std::string& identity,
                const Give& give) {
    if (const auto fault = fault_of(request); !fault.empty()) return give(plain_answer(400, fault));
    ++counters_.brought;
    counter_.put(claim, identity, std::string(request.body()),
                 [give](Word word) { give(answer_of(word)); });
}

void Door::hand_out(const Claim& claim, const std::string& identity, const Give& give) {
    ++counters_.fetched;
    counter_.get(claim, identity, [give](Word word, const Bytes& bytes) {
        if (word != Word::done) return give(answer_of(word));
        give({200,
              {{"Content-Type", "application/octet-stream"}, {"Cache-Control", "no-store"}},
              std::string(as_text(bytes))});
    });
}

}  // namespace sluice::backup
