#pragma once
// Idempotency-Key: a POST that is sent again, because its answer got lost, is answered as it was
// the first time and does nothing. What changed nothing (a refusal) is not kept: it is judged anew.
//
// Rows come into being in the commit of what they tell of; they are forgotten after a day.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "acs-plugin/service/rows.hpp"
#include "engine/net/http_server.hpp"

namespace sluice::rest {

// One request that has a key; empty `key`: it has none.
struct KeyedRequest {
    std::string key, who;
    Bytes fingerprint;
};
// Nothing: the key is none (1 to 255 visible characters).
std::optional<KeyedRequest> keyed_request(const net::HttpRequest& request, const std::string& who);

class IdempotencyBook {
public:
    // `at_most`: the oldest go before their day is over.
    explicit IdempotencyBook(std::size_t at_most = 100'000) : at_most_(at_most) {}

    enum class Word : std::uint8_t {
        fresh,  // to be done; then keep() or abandon()
        known,  // `row` has its answer
        other,  // the key was used for another request
        busy,   // the first is being done
    };
    struct Verdict {
        Word word = Word::fresh;
        const service::IdempotencyRow* row = nullptr;
    };
    Verdict begin(const KeyedRequest& request, service::WallTime now);
    void abandon(const KeyedRequest& request);
    void keep(service::IdempotencyRow row);

private:
    using Key = std::pair<std::string, std::string>;  // who, key
    struct Entry {
        service::IdempotencyRow row;
        bool is_done = false;
    };
    void forget(service::WallTime now);

    const std::size_t at_most_;
    std::map<Key, Entry> entries_;
    std::deque<std::pair<service::WallTime, Key>> order_;  // of those done
};

service::IdempotencyRow row_of(const KeyedRequest& request, const net::HttpResponse& answer,
                               service::WallTime now);
net::HttpResponse answer_of(const service::IdempotencyRow& row);

}  // namespace sluice::rest
