#pragma once
// The head of one HTTP answer, as a client that fetches from a hostile peer reads it: at most
// kMaxAnswerHead bytes, only the fields that decide something here. Beast's parser does the
// grammar; it never sees a body.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace sluice::net {

inline constexpr std::size_t kMaxAnswerHead = 8 * 1024;

struct AnswerHead {
    std::size_t size = 0;  // bytes of the head itself; the body follows
    unsigned status = 0;
    bool is_keep_alive = false;
    // Absent when the answer says none or is chunked: its body ends where nobody can know safely.
    std::optional<std::uint64_t> content_length;
    bool is_encoded = false;  // a Content-Encoding other than identity
    std::string content_range;
    std::string location;
    std::vector<std::string> challenges;  // WWW-Authenticate, at most 4
    std::optional<Duration> retry_after;  // seconds form only, clamped to 1 s … 5 min
};

// `bytes` starts with a head. Nothing yet when it is not complete.
Result<std::optional<AnswerHead>> parse_answer_head(std::string_view bytes);

}  // namespace sluice::net
