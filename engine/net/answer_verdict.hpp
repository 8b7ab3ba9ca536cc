#pragma once
// What an answer's head means for the request it answers: a body to read, a challenge, a
// redirect, or a fault. Pure, so that every way to answer wrongly is one line of a table in a test.

#include <cstdint>
#include <string>

#include "engine/net/answer_head.hpp"
#include "engine/net/client_connection.hpp"

namespace sluice::net {

enum class AnswerKind : std::uint8_t { body, challenge, redirect, fault };

struct AnswerVerdict {
    AnswerKind kind = AnswerKind::fault;
    FetchFault fault = FetchFault::bad_answer;
    Duration retry_after{};
    std::string why;  // of a fault: one phrase for the log
};

AnswerVerdict judge_answer(const AnswerHead& head, const FetchRequest& request);

}  // namespace sluice::net
