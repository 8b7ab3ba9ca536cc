#pragma once
// Bytes of one server connection in, requests out, one after another. Beast's parser under our
// limits; what Beast lets pass and we do not is refused here: several Hosts or lengths, transfer
// codings other than chunked, folded fields. Touches no socket, so the fuzzer feeds it too.
//
// The buffer is never larger than the limits: a client that sends more waits in the kernel.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/net/http_server.hpp"

namespace sluice::net {

// What the bodies of all connections of a server may take together.
struct BodyBudget {
    std::size_t left = 0;
};

// Where the requests come from, as they will tell the handler.
struct RequestOrigin {
    std::string address;
    std::uint64_t connection = 0;
    bool is_over_tls = false;
};

class RequestReader final : public HttpRequest {
public:
    // `limits`, `budget` and `judge` outlive it; without a budget each body is bounded alone,
    // without a judge of their length by the limits alone.
    RequestReader(const HttpServerLimits& limits, RequestOrigin origin,
                  BodyBudget* budget = nullptr, const HttpHandler* judge = nullptr);
    ~RequestReader() override;

    // Where the next bytes go; empty when no more are taken for now.
    std::span<char> room();
    void commit(std::size_t count);

    enum class Progress { need_more, complete, bad };
    // After `complete` the request below is valid until done().
    Progress parse();
    // The status for a bad request: 400, 413, 431, 501, 503 or 505.
    unsigned error_status() const { return error_status_; }
    // The client waits for "100 Continue" before it sends the body; true once.
    bool take_expectation();
    // Forgets the request that was complete; what was pipelined behind it stays.
    void done();
    // Forgets everything that came: nothing of it will be looked at.
    void discard();

    // Some bytes of a request are here.
    bool has_begun() const { return filled_ > 0; }
    // And its head is whole.
    bool is_in_body() const { return is_head_parsed_; }
    bool is_head() const;
    bool wants_keep_alive() const;
    bool is_http_1_0() const;

    std::string_view method() const override;
    std::string_view target() const override;
    std::string_view field(std::string_view name) const override;
    std::string fields(std::string_view name) const override;
    std::string_view body() const override;
    const std::string& client_address() const override { return origin_.address; }
    std::uint64_t connection() const override { return origin_.connection; }
    bool is_over_tls() const override { return origin_.is_over_tls; }
    std::vector<std::string> client_names() const override { return client_names_; }
    // Known once the handshake is over.
    void set_client_names(std::vector<std::string> names) { client_names_ = std::move(names); }

private:
    struct Parser;

    Progress parse_head();
    Progress parse_body();
    Progress refuse(unsigned status);
    bool find_head_end();
    unsigned refusal_of_body();
    void forget_body();

    const HttpServerLimits& limits_;
    RequestOrigin origin_;
    std::vector<std::string> client_names_;
    BodyBudget own_budget_;
    BodyBudget* budget_;
    const HttpHandler* judge_;
    std::unique_ptr<char[]> buffer_;
    std::size_t capacity_ = 0;
    std::size_t filled_ = 0;
    std::size_t scanned_ = 0;   // no end of head before this
    std::size_t head_end_ = 0;  // 0 while the head is not whole
    unsigned empty_lines_ = 0;  // skipped since the last request
    unsigned error_status_ = 400;
    bool is_head_parsed_ = false;
    bool is_expectation_pending_ = false;
    std::unique_ptr<Parser> parser_;
};

}  // namespace sluice::net
