#include "engine/net/http_client.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <optional>

#include "engine/http/text.hpp"
#include "engine/net/client_auth.hpp"
#include "engine/net/content_coding.hpp"
#include "engine/net/http_link.hpp"

namespace sluice::net {
namespace {

namespace beast_http = boost::beast::http;
using boost::system::error_code;
using Parser = beast_http::response_parser<beast_http::string_body>;

constexpr std::size_t kMaxFields = 128;

bool says(const ClientRequest& request, std::string_view name) {
    return std::any_of(request.fields.begin(), request.fields.end(), [name](const auto& field) {
        return http::equal_ignoring_case(field.first, name);
    });
}

std::string request_text(const ClientRequest& request, const std::string& authorization) {
    std::string text = request.method + " " + request.url.target +
                       " HTTP/1.1\r\nHost: " + request.url.authority() + "\r\n";
    if (!says(request, "User-Agent")) text += "User-Agent: sluice/" SLUICE_VERSION "\r\n";
    if (!says(request, "Accept-Encoding")) text += "Accept-Encoding: gzip, deflate\r\n";
    for (const auto& [name, value] : request.fields) text += name + ": " + value + "\r\n";
    if (!authorization.empty()) text += "Authorization: " + authorization + "\r\n";
    const bool has_body = !request.body.empty() || request.method == "POST";
    if (has_body) text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    return text + "\r\n" + request.body;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), http::to_lower);
    return out;
}

}  // namespace

std::string_view ClientAnswer::field(std::string_view lower_case_name) const {
    for (const auto& [name, value] : fields)
        if (name == lower_case_name) return value;
    return {};
}

// Handlers hold it by shared_ptr and name the link they belong to: one of a link that was dropped
// finds another in its place and does nothing.
struct HttpClient::Impl final : HttpLinkOwner, std::enable_shared_from_this<Impl> {
    boost::asio::io_context& io;
    ClientTls& tls;
    ClientAuth& auth;
    const HttpClientOptions options;

    std::shared_ptr<HttpLink> link;
    Url endpoint;               // of the link
    bool has_answered = false;  // the link has carried a whole answer

    std::optional<ClientRequest> request;  // being answered
    Done done;
    std::optional<Parser> parser;
    bool was_challenged = false;
    bool was_retried = false;  // after a kept connection turned out closed

    Impl(boost::asio::io_context& its_io, ClientTls& its_tls, ClientAuth& its_auth,
         HttpClientOptions its_options)
        : io(its_io), tls(its_tls), auth(its_auth), options(std::move(its_options)) {}

    void drop_link() {
        if (link) link->close();
        link.reset();
        has_answered = false;
    }

    void send(ClientRequest its_request, Done its_done) {
        request = std::move(its_request);
        done = std::move(its_done);
        was_challenged = was_retried = false;
        boost::asio::post(io, [self = shared_from_this()] {
            if (self->request) self->ask();
        });
    }

    void ask() {
        if (link && !endpoint.is_same_endpoint(request->url)) drop_link();
        if (link) return write();
        endpoint = request->url;
        link = std::make_shared<HttpLink>(io, shared_from_this(), endpoint, options.local_address);
        link->open(tls, options.connect_timeout);
    }

    // --- what the link tells ----------------------------------------------------------------

    void on_connected(const HttpLink& from) override {
        if (link.get() == &from && request) write();
    }

    void on_failed(const HttpLink& from, ClientFault fault, const std::string& why) override {
        if (link.get() != &from) return;
        // A server may close a kept connection at any time; once, that is nobody's fault.
        const bool is_kept_one_closed = fault == ClientFault::disconnected && has_answered &&
                                        !was_retried && request && (!parser || !parser->got_some());
        drop_link();
        if (!request) return;
        if (is_kept_one_closed) {
            was_retried = true;
            return ask();
        }
        fail(fault, why);
    }

    void on_written(const HttpLink& from) override {
        if (link.get() != &from || !request) return;
        begin_answer();
        link->read();
    }

    void on_bytes(HttpLink& from) override {
        if (link.get() != &from) return;
        // Words nobody asked for: this connection is not to be trusted any more.
        if (!request || !parser) return drop_link();
        read_answer();
    }

    void on_end(const HttpLink& from) override {
        if (link.get() != &from) return;
        if (request && parser && parser->got_some()) {
            // A body without a length ends with the connection.
            error_code error;
            parser->put_eof(error);
            if (!error && parser->is_done()) return finish();
        }
        on_failed(from, ClientFault::disconnected, "the connection was closed");
    }

    // --- one exchange -----------------------------------------------------------------------

    void write() {
        parser.reset();
        link->write(
            request_text(*request, auth.authorization(request->method, request->url.target)),
            options.answer_timeout);
    }

    void begin_answer() {
        parser.emplace();
        parser->eager(true);
        parser->header_limit(static_cast<std::uint32_t>(options.head_bytes));
        parser->body_limit(options.body_bytes);
        if (request->method == "HEAD") parser->skip(true);
    }

    void read_answer() {
        error_code error;
        auto& in = link->in;
        while (!in.empty() && !parser->is_done()) {
            const auto used = parser->put(boost::asio::const_buffer(in.data(), in.size()), error);
            in.erase(0, used);
            if (error == beast_http::error::need_more) error = {};
            if (error) return fail_answer(error.message());
            if (parser->is_header_done() && parser->get().result_int() / 100 == 1) {
                begin_answer();
                continue;
            }
            if (used == 0) break;
        }
        if (parser->is_done()) return finish();
        if (in.size() > options.head_bytes) return fail_answer("a line without end");
        link->read();
    }

    void finish() {
        ClientAnswer answer;
        answer.status = parser->get().result_int();
        for (const auto& field : parser->get()) {
            if (answer.fields.size() == kMaxFields) return fail_answer("too many fields");
            answer.fields.emplace_back(
                lower({field.name_string().data(), field.name_string().size()}),
                std::string(field.value()));
        }
        if (const auto why = take_body(answer); !why.empty()) return fail_answer(why);
        const bool is_kept = parser->keep_alive() && link->in.empty();
        parser.reset();
        link->stop_timer();
        has_answered = true;
        if (!is_kept) drop_link();
        if (answer.status == 401 && is_challenge_taken(answer)) return ask();
        request.reset();
        // By value: `done` may send again, or destroy the client.
        const auto tell = std::exchange(done, nullptr);
        tell(std::move(answer));
    }

    // Why it cannot be had; empty: it can.
    std::string take_body(ClientAnswer& answer) {
        const auto coding = parse_content_coding(answer.field("content-encoding"));
        if (!coding) return "a content coding that nobody asked for";
        answer.body = std::move(parser->get().body());
        if (answer.body.empty() || *coding == ContentCoding::identity) return {};
        auto decoded = decode_content(*coding, answer.body, options.body_bytes);
        if (!decoded)
            return decoded.error() == CodingFault::too_large
                       ? "the body is too large once decompressed"
                       : "the body cannot be decompressed";
        answer.body = std::move(decoded).value();
        return {};
    }

    bool is_challenge_taken(const ClientAnswer& answer) {
        if (std::exchange(was_challenged, true)) return false;
        std::vector<std::string> challenges;
        for (const auto& [name, value] : answer.fields)
            if (name == "www-authenticate") challenges.push_back(value);
        return auth.learn(challenges, request->url.is_tls);
    }

    void fail_answer(const std::string& why) {
        drop_link();
        fail(ClientFault::bad_answer, "bad answer: " + why);
    }

    void fail(ClientFault fault, const std::string& why) {
        const auto server = (endpoint.is_tls ? "https://" : "http://") + endpoint.authority();
        request.reset();
        parser.reset();
        const auto tell = std::exchange(done, nullptr);
        tell(ClientError{fault, server + ": " + why});
    }
};

HttpClient::HttpClient(boost::asio::io_context& io, ClientTls& tls, ClientAuth& auth,
                       HttpClientOptions options)
    : impl_(std::make_shared<Impl>(io, tls, auth, std::move(options))) {}

HttpClient::~HttpClient() {
    impl_->request.reset();
    impl_->done = nullptr;
    impl_->drop_link();
}

void HttpClient::send(ClientRequest request, Done done) {
    impl_->send(std::move(request), std::move(done));
}

void HttpClient::close() {
    impl_->drop_link();
}

}  // namespace sluice::net
