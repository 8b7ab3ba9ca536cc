#pragma once
// Idempotency-Key: a POST that is sent again, because its answer got lost, is answered as it was
// the first time and does nothing. What changed nothing (a refusal) is not kept: it is judged anew.
//
// Rows come into being in the commit of what they tell of; they are forgotten after a day. Beside
// their number their bytes are bounded: the oldest go first, and an answer that is too long is not
// kept, only that there was one.

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

// Beyond them the oldest go before their day is over.
struct IdempotencyLimits {
    std::size_t entries = service::kMostAnswers;
    std::size_t bytes = service::kMostAnswerBytes;
};
// Of an answer that is kept. A longer one is answered 409 when it is asked for again.
inline constexpr std::size_t kMaxKeptAnswer = std::size_t{256} << 10;

class IdempotencyBook {
public:
    explicit IdempotencyBook(IdempotencyLimits limits = {}) : limits_(limits) {}

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
    void drop_the_oldest();

    const IdempotencyLimits limits_;
    std::size_t bytes_ = 0;  // of those done
    std::map<Key, Entry> entries_;
    std::deque<std::pair<service::WallTime, Key>> order_;  // of those done
};

service::IdempotencyRow row_of(const KeyedRequest& request, const net::HttpResponse& answer,
                               service::WallTime now);
net::HttpResponse answer_of(const service::IdempotencyRow& row);

}  // namespace sluice::rest
