#include "engine/net/answer_head.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "engine/http/text.hpp"

namespace sluice::net {
namespace {

namespace beast_http = boost::beast::http;

constexpr std::size_t kMaxChallenges = 4;

std::string text_of(boost::beast::string_view v) {
    return {v.data(), v.size()};
}

std::optional<Duration> retry_after_of(std::string_view field) {
    const auto seconds = http::parse_number<std::uint32_t>(http::trim(field));
    if (!seconds) return std::nullopt;
    return std::chrono::seconds(std::clamp<std::uint32_t>(*seconds, 1, 300));
}

AnswerHead read_fields(const beast_http::response_parser<beast_http::empty_body>& parser) {
    const auto& message = parser.get();
    AnswerHead head;
    head.status = message.result_int();
    head.is_keep_alive = parser.keep_alive();
    // None for a chunked body; Beast refuses a head that says both.
    if (const auto length = parser.content_length()) head.content_length = *length;
    const auto encoding = text_of(message[beast_http::field::content_encoding]);
    head.is_encoded = !encoding.empty() && !http::equal_ignoring_case(encoding, "identity");
    head.content_range = text_of(message[beast_http::field::content_range]);
    head.location = text_of(message[beast_http::field::location]);
    const auto [first, last] = message.equal_range(beast_http::field::www_authenticate);
    for (auto it = first; it != last && head.challenges.size() < kMaxChallenges; ++it) {
        head.challenges.push_back(text_of(it->value()));
    }
    head.retry_after = retry_after_of(text_of(message[beast_http::field::retry_after]));
    return head;
}

}  // namespace

Result<std::optional<AnswerHead>> parse_answer_head(std::string_view bytes) {
    const auto end = bytes.substr(0, kMaxAnswerHead).find("\r\n\r\n");
    if (end == std::string_view::npos) {
        if (bytes.size() >= kMaxAnswerHead) return Error{"answer head: longer than 8 KiB"};
        return std::optional<AnswerHead>{};
    }
    beast_http::response_parser<beast_http::empty_body> parser;
    parser.header_limit(kMaxAnswerHead);
    parser.body_limit(boost::none);  // the body is never read here; its length is judged by us
    parser.skip(true);
    boost::beast::error_code error;
    parser.put(boost::asio::const_buffer(bytes.data(), end + 4), error);
    if (error && error != beast_http::error::need_more) {
        return Error{"answer head: " + error.message()};
    }
    if (!parser.is_header_done()) return Error{"answer head: incomplete"};
    auto head = read_fields(parser);
    if (head.status < 200) return Error{"answer head: an interim answer nobody asked for"};
    head.size = end + 4;
    return std::optional<AnswerHead>{std::move(head)};
}

}  // namespace sluice::net
