#include "engine/net/answer_verdict.hpp"

namespace sluice::net {
namespace {

// What a busy server is left alone for when it does not say.
constexpr Duration kDefaultRetryAfter = std::chrono::seconds(1);

AnswerVerdict fault(FetchFault kind, std::string why) {
    return {AnswerKind::fault, kind, Duration{}, std::move(why)};
}

AnswerVerdict judge_body(const AnswerHead& head, const FetchRequest& request) {
    const bool wants_part = request.range.size() != 0;
    if (!head.content_length) return fault(FetchFault::bad_answer, "no Content-Length");
    if (head.is_encoded) return fault(FetchFault::bad_answer, "an encoded body");
    if (!wants_part) {
        if (head.status != 200) return fault(FetchFault::bad_answer, "a part of an unasked range");
        if (*head.content_length > request.total) return fault(FetchFault::bad_answer, "too long");
        return {AnswerKind::body, {}, {}, {}};
    }
    if (*head.content_length != request.range.size()) {
        return fault(FetchFault::bad_answer, "another length than asked");
    }
    if (head.status == 200) {
        // Ignoring Range is allowed, and right when the range is everything.
        const bool is_all = request.range.size() == request.total;
        if (!is_all) return fault(FetchFault::bad_answer, "no range support");
        return {AnswerKind::body, {}, {}, {}};
    }
    const auto range = http::parse_content_range(head.content_range);
    if (!range || range->bytes != request.range) {
        return fault(FetchFault::bad_answer, "another range than asked");
    }
    if (range->length && *range->length != request.total) {
        return fault(FetchFault::bad_answer, "an image of another length");
    }
    return {AnswerKind::body, {}, {}, {}};
}

}  // namespace

AnswerVerdict judge_answer(const AnswerHead& head, const FetchRequest& request) {
    const auto status = "status " + std::to_string(head.status);
    switch (head.status) {
        case 200:
        case 206:
            return judge_body(head, request);
        case 301:
        case 302:
        case 303:
        case 307:
        case 308:
            return {AnswerKind::redirect, FetchFault::bad_answer, {}, status};
        case 401:
            return {AnswerKind::challenge, FetchFault::denied, {}, status};
        case 403:
        case 407:
            return fault(FetchFault::denied, status);
        case 404:
        case 410:
            return fault(FetchFault::not_found, status);
        case 408:
        case 429:
        case 500:
        case 502:
        case 503:
        case 504:
            return {AnswerKind::fault, FetchFault::busy,
                    head.retry_after.value_or(kDefaultRetryAfter), status};
        default:
            return fault(FetchFault::bad_answer, status);
    }
}

}  // namespace sluice::net
