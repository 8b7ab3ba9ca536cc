#include "acs-plugin/rest/idempotency.hpp"

#include <algorithm>
#include <array>

#include "acs-plugin/rest/problem.hpp"
#include "engine/image/sha256.hpp"

namespace sluice::rest {
namespace {

constexpr std::int64_t kDay_ms = 24 * 60 * 60 * 1000;
constexpr std::size_t kMaxKey = 255;
// What of an answer's head is given again.
constexpr std::array<std::string_view, 2> kKept{"Location", "ETag"};

}  // namespace

std::optional<KeyedRequest> keyed_request(const net::HttpRequest& request, const std::string& who) {
    const auto key = request.field("Idempotency-Key");
    const bool is_visible = std::ranges::all_of(key, [](char c) { return c > ' ' && c < '\x7f'; });
    if (key.size() > kMaxKey || !is_visible) return std::nullopt;
    KeyedRequest out{std::string(key), who, {}};
    if (key.empty()) return out;
    image::Sha256 digest;
    for (const auto part : {request.method(), request.target(), request.body()}) {
        digest.update(as_bytes(part));
        digest.update(as_bytes(std::string_view("\0", 1)));
    }
    const auto bytes = digest.finish().bytes;
    out.fingerprint.assign(bytes.begin(), bytes.end());
    return out;
}

IdempotencyBook::Verdict IdempotencyBook::begin(const KeyedRequest& request,
                                                service::WallTime now) {
    forget(now);
    const auto [at, is_new] = entries_.try_emplace({request.who, request.key});
    auto& entry = at->second;
    if (is_new) {
        entry.row.request = request.fingerprint;
        return {Word::fresh, nullptr};
    }
    if (entry.row.request != request.fingerprint) return {Word::other, nullptr};
    if (!entry.is_done) return {Word::busy, nullptr};
    return {Word::known, &entry.row};
}

void IdempotencyBook::abandon(const KeyedRequest& request) {
    const auto at = entries_.find({request.who, request.key});
    if (at != entries_.end() && !at->second.is_done) entries_.erase(at);
}

void IdempotencyBook::keep(service::IdempotencyRow row) {
    Key key{row.who, row.key};
    order_.emplace_back(row.at, key);
    auto& entry = entries_[std::move(key)];
    if (entry.is_done) bytes_ -= size_of(entry.row);
    bytes_ += size_of(row);
    entry = {std::move(row), true};
    while (order_.size() > limits_.entries || bytes_ > limits_.bytes) drop_the_oldest();
}

void IdempotencyBook::forget(service::WallTime now) {
    while (!order_.empty() && now.unix_ms - order_.front().first.unix_ms > kDay_ms)
        drop_the_oldest();
}

void IdempotencyBook::drop_the_oldest() {
    const auto at = entries_.find(order_.front().second);
    if (at != entries_.end() && at->second.is_done) {
        bytes_ -= size_of(at->second.row);
        entries_.erase(at);
    }
    order_.pop_front();
}

// Fields as in a head, an empty line, the body; of a body that is too long neither it nor the line.
service::IdempotencyRow row_of(const KeyedRequest& request, const net::HttpResponse& answer,
                               service::WallTime now) {
    service::IdempotencyRow out;
    out.key = request.key;
    out.who = request.who;
    out.request = request.fingerprint;
    out.status = answer.status;
    out.at = now;
    for (const auto& [name, value] : answer.fields)
        if (std::ranges::find(kKept, name) != kKept.end())
            out.answer += std::string(name) + ": " + value + "\n";
    if (answer.body.size() <= kMaxKeptAnswer) out.answer += "\n" + answer.body;
    return out;
}

net::HttpResponse answer_of(const service::IdempotencyRow& row) {
    std::string_view rest = row.answer;
    auto out = json_answer(row.status, {});
    while (!rest.empty() && rest.front() != '\n') {
        const auto line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        for (const auto name : kKept)
            if (line.starts_with(name) && line.size() > name.size() + 2)
                out.fields.emplace_back(name, std::string(line.substr(name.size() + 2)));
    }
    if (rest.empty()) {
        auto fields = std::move(out.fields);
        out = problem(409, "Idempotency-Key: it was done, and its answer was too long to be kept");
        std::erase_if(fields, [](const auto& field) { return field.first == "Content-Type"; });
        for (auto& field : fields) out.fields.push_back(std::move(field));
    } else {
        out.body = rest.substr(1);
    }
    out.fields.emplace_back("Idempotency-Replayed", "true");
    return out;
}

}  // namespace sluice::rest
