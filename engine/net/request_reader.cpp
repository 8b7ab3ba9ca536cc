#include "engine/net/request_reader.hpp"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <cstring>
#include <optional>
#include <vector>

#include "engine/http/text.hpp"

namespace sluice::net {
namespace {

namespace beast = boost::beast::http;
using BeastError = boost::beast::error_code;

constexpr std::size_t kFirstCapacity = 1024;  // most heads of ours fit
constexpr std::size_t kBodyRoom = 16 * 1024;  // body bytes in the buffer, before they are decoded
// RFC 9112 §2.2 wants one skipped. Each is moved away, and while nothing else has come the time for
// a head does not run: without a limit they would buy both.
constexpr unsigned kEmptyLines = 4;
// Nobody has a use for them; each is skipped at the price of its bytes.
constexpr std::size_t kChunkExtension = 256;

std::string_view view(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

// One request. Beast calls back with views into the reader's buffer.
class OneRequest final : public beast::basic_parser<true> {
public:
    OneRequest(const HttpServerLimits& limits, BodyBudget& budget, const char* head,
               std::size_t head_size,
               std::vector<std::pair<std::string_view, std::string_view>>& fields)
        : limits_(limits), budget_(budget), head_(head), head_size_(head_size), fields_(fields) {
        fields_.clear();
        header_limit(static_cast<std::uint32_t>(limits.head_bytes));
        body_limit(limits.body_bytes);
    }

    std::string_view method, target;
    std::string body;
    unsigned version = 0;
    unsigned hosts = 0, lengths = 0;
    std::uint32_t chunks = 0;
    bool expects_continue = false;
    unsigned refusal = 0;  // our own reason to stop, as a status

private:
    void stop(BeastError& ec, unsigned status) {
        refusal = status;
        ec = beast::make_error_code(beast::error::bad_field);
    }
    void on_request_impl(beast::verb, boost::beast::string_view m, boost::beast::string_view t,
                         int v, BeastError&) override {
        method = view(m);
        target = view(t);
        version = static_cast<unsigned>(v);
    }
    void on_field_impl(beast::field name, boost::beast::string_view text,
                       boost::beast::string_view value, BeastError& ec) override {
        if (is_header_done()) return;  // trailers say nothing to us
        const bool is_folded =
            !value.empty() && (value.data() < head_ || value.data() >= head_ + head_size_);
        if (is_folded) return stop(ec, 400);
        if (fields_.size() == limits_.head_fields) return stop(ec, 431);
        if (name == beast::field::host && ++hosts > 1) return stop(ec, 400);
        // Even the same length twice (RFC 9112 §6.3): whoever stands before us may read it another
        // way.
        if (name == beast::field::content_length &&
            (++lengths > 1 || view(value).find(',') != std::string_view::npos))
            return stop(ec, 400);
        if (name == beast::field::transfer_encoding &&
            !http::equal_ignoring_case(view(value), "chunked"))
            return stop(ec, 501);
        if (name == beast::field::expect)
            expects_continue = http::equal_ignoring_case(view(value), "100-continue");
        fields_.emplace_back(view(text), view(value));
    }
    void on_header_impl(BeastError& ec) override {
        if (chunked() && limits_.body_bytes == 0) stop(ec, 413);
    }
    std::size_t on_body_impl(boost::beast::string_view bytes, BeastError& ec) override {
        if (bytes.size() > budget_.left) return stop(ec, 503), 0;
        budget_.left -= bytes.size();
        body.append(bytes.data(), bytes.size());
        return bytes.size();
    }
    std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view bytes,
                                   BeastError& ec) override {
        return on_body_impl(bytes, ec);
    }
    void on_chunk_header_impl(std::uint64_t, boost::beast::string_view extensions,
                              BeastError& ec) override {
        if (++chunks > limits_.body_chunks || extensions.size() > kChunkExtension) stop(ec, 400);
    }
    void on_response_impl(int, boost::beast::string_view, int, BeastError&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError&) override {}
    void on_finish_impl(BeastError&) override {}

    const HttpServerLimits& limits_;
    BodyBudget& budget_;
    const char* head_;
    std::size_t head_size_;
    std::vector<std::pair<std::string_view, std::string_view>>& fields_;
};

unsigned status_of(const OneRequest& request, const BeastError& ec) {
    if (request.refusal != 0) return request.refusal;
    if (ec == beast::error::body_limit) return 413;
    if (ec == beast::error::header_limit) return 431;
    if (ec == beast::error::bad_version) return 505;
    if (ec == beast::error::bad_transfer_encoding) return 501;
    return 400;
}

}  // namespace

struct RequestReader::Parser {
    std::optional<OneRequest> one;
    std::vector<std::pair<std::string_view, std::string_view>> fields;  // kept for its capacity
};

RequestReader::RequestReader(const HttpServerLimits& limits, RequestOrigin origin,
                             BodyBudget* budget, const HttpHandler* judge)
    : limits_(limits),
      origin_(std::move(origin)),
      own_budget_{limits.body_bytes},
      budget_(budget != nullptr ? budget : &own_budget_),
      judge_(judge),
      parser_(std::make_unique<Parser>()) {}
RequestReader::~RequestReader() {
    forget_body();
}

void RequestReader::forget_body() {
    if (parser_->one) budget_->left += parser_->one->body.size();
    parser_->one.reset();
}

std::span<char> RequestReader::room() {
    // While a body comes in, its request's head stays in front: views point into it, so the
    // buffer must not move any more.
    const auto limit = is_head_parsed_ ? capacity_ : limits_.head_bytes;
    if (filled_ == capacity_ && capacity_ < limit) {
        const auto wanted = std::min(limit, std::max(capacity_ * 2, kFirstCapacity));
        auto larger = std::make_unique_for_overwrite<char[]>(wanted);
        if (filled_ > 0) std::memcpy(larger.get(), buffer_.get(), filled_);
        buffer_ = std::move(larger);
        capacity_ = wanted;
    }
    const auto end = std::min(capacity_, limit);
    return {buffer_.get() + filled_, end > filled_ ? end - filled_ : 0};
}

void RequestReader::commit(std::size_t count) {
    filled_ += count;
}

RequestReader::Progress RequestReader::refuse(unsigned status) {
    error_status_ = status;
    return Progress::bad;
}

// Empty lines before the request line are skipped; one too many becomes a request that Beast
// refuses.
bool RequestReader::find_head_end() {
    while (empty_lines_ < kEmptyLines && filled_ >= 2 && scanned_ == 0 && buffer_[0] == '\r' &&
           buffer_[1] == '\n') {
        ++empty_lines_;
        filled_ -= 2;
        std::memmove(buffer_.get(), buffer_.get() + 2, filled_);
    }
    const std::string_view bytes(buffer_.get(), filled_);
    const auto at = bytes.find("\r\n\r\n", scanned_);
    if (at == std::string_view::npos) {
        scanned_ = filled_ < 3 ? 0 : filled_ - 3;
        return false;
    }
    head_end_ = at + 4;
    return true;
}

RequestReader::Progress RequestReader::parse() {
    if (!is_head_parsed_) {
        if (filled_ == 0) return Progress::need_more;
        if (!find_head_end())
            return filled_ >= limits_.head_bytes ? refuse(431) : Progress::need_more;
        if (const auto progress = parse_head(); progress != Progress::complete) return progress;
    }
    return parse_body();
}

RequestReader::Progress RequestReader::parse_head() {
    auto& one = parser_->one.emplace(limits_, *budget_, buffer_.get(), head_end_, parser_->fields);
    BeastError ec;
    one.put(boost::asio::const_buffer(buffer_.get(), head_end_), ec);
    if (ec && ec != beast::error::need_more) return refuse(status_of(one, ec));
    if (!one.is_header_done()) return refuse(400);
    if (one.hosts == 0 && one.version >= 11) return refuse(400);
    is_head_parsed_ = true;
    if (!one.is_done())
        if (const auto status = refusal_of_body(); status != 0) return refuse(status);
    is_expectation_pending_ = one.expects_continue && !one.is_done();
    if (one.is_done() || capacity_ >= head_end_ + kBodyRoom) return Progress::complete;
    // The body needs room behind a head that must not move: parse the head again where it will
    // stay. Rare: only requests with a body come here, and the peer protocol has none.
    auto larger = std::make_unique_for_overwrite<char[]>(limits_.head_bytes + kBodyRoom);
    std::memcpy(larger.get(), buffer_.get(), filled_);
    buffer_ = std::move(larger);
    capacity_ = limits_.head_bytes + kBodyRoom;
    return parse_head();
}

// What the handler says of this head holds for its body from now on. 0: it may come.
unsigned RequestReader::refusal_of_body() {
    if (judge_ == nullptr) return 0;
    auto& one = *parser_->one;
    const auto limit = judge_->body_limit(*this, limits_.body_bytes);
    if (limit == 0) return judge_->status_without_body(*this);
    if (one.content_length() && *one.content_length() > limit) return 413;
    one.body_limit(std::min(limit, limits_.body_bytes));
    return 0;
}

RequestReader::Progress RequestReader::parse_body() {
    auto& one = *parser_->one;
    while (!one.is_done()) {
        if (filled_ == head_end_) return Progress::need_more;
        BeastError ec;
        const auto used =
            one.put(boost::asio::const_buffer(buffer_.get() + head_end_, filled_ - head_end_), ec);
        filled_ -= used;
        if (used > 0)
            std::memmove(buffer_.get() + head_end_, buffer_.get() + head_end_ + used,
                         filled_ - head_end_);
        if (ec == beast::error::need_more)
            return filled_ == capacity_ ? refuse(400) : Progress::need_more;
        if (ec) return refuse(status_of(one, ec));
    }
    return Progress::complete;
}

bool RequestReader::take_expectation() {
    return std::exchange(is_expectation_pending_, false);
}

void RequestReader::done() {
    filled_ -= head_end_;
    if (filled_ > 0) std::memmove(buffer_.get(), buffer_.get() + head_end_, filled_);
    head_end_ = 0;
    scanned_ = 0;
    empty_lines_ = 0;
    is_head_parsed_ = false;
    is_expectation_pending_ = false;
    forget_body();
}

void RequestReader::discard() {
    head_end_ = filled_;
    done();
}

bool RequestReader::is_head() const {
    return method() == "HEAD";
}
bool RequestReader::wants_keep_alive() const {
    return parser_->one->keep_alive();
}
bool RequestReader::is_http_1_0() const {
    return parser_->one->version == 10;
}
std::string_view RequestReader::method() const {
    return parser_->one->method;
}
std::string_view RequestReader::target() const {
    return parser_->one->target;
}
std::string_view RequestReader::body() const {
    return parser_->one->body;
}

std::string_view RequestReader::field(std::string_view name) const {
    for (const auto& [known, value] : parser_->fields)
        if (http::equal_ignoring_case(known, name)) return value;
    return {};
}

std::string RequestReader::fields(std::string_view name) const {
    std::string out;
    for (const auto& [known, value] : parser_->fields) {
        if (!http::equal_ignoring_case(known, name)) continue;
        if (!out.empty()) out += ", ";
        out += value;
    }
    return out;
}

}  // namespace sluice::net
