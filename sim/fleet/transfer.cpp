#include "sim/fleet/transfer.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "engine/net/client_auth.hpp"
#include "engine/net/client_connection.hpp"
#include "engine/net/http_client.hpp"
#include "engine/planning/assignment_json.hpp"

namespace sluice::sim::fleet {
namespace {

constexpr std::string_view kAssignmentType = "application/vnd.sluice.assignment.v1+json";
constexpr std::uint64_t kAnyLength = std::uint64_t{4} << 30;
constexpr unsigned kRedirects = 5;
constexpr Duration kPause = 50ms;  // of a transfer that is ahead of its rate

// Nobody looks at what came.
std::span<std::uint8_t> waste() {
    static std::array<std::uint8_t, 64 * 1024> bytes;
    return bytes;
}

TransferTrouble trouble_of(const net::ClientError& error) {
    const auto code = error.fault == net::ClientFault::disconnected ? 9017u
                      : error.fault == net::ClientFault::bad_answer ? 9010u
                                                                    : 9015u;
    return {code, error.why};
}

TransferTrouble trouble_of(net::FetchFault fault, const std::string& why) {
    switch (fault) {
        case net::FetchFault::unreachable:
        case net::FetchFault::busy:
            return {9015, why};
        case net::FetchFault::disconnected:
            return {9017, why};
        case net::FetchFault::denied:
        case net::FetchFault::not_found:
            return {9016, why};
        case net::FetchFault::bad_answer:
            break;
    }
    return {9010, why};
}

}  // namespace

struct Transfer::Impl final : net::BodySink, std::enable_shared_from_this<Impl> {
    Impl(boost::asio::io_context& its_io, net::ClientTls& its_tls, std::string address)
        : io(its_io), tls(its_tls), local_address(std::move(address)), timer(io) {}

    void ask(const std::string& url, const http::Credentials& who, Assigned its_done) {
        auto parsed = net::parse_url(url);
        if (!parsed)
            return later([its_done, why = parsed.error().message] {
                its_done(TransferTrouble{9003, why});
            });
        auth.emplace(who, net::BasicPolicy::over_tls);
        net::HttpClientOptions options;
        options.body_bytes = planning::kMaxAssignmentBytes;
        options.local_address = local_address;
        client = std::make_unique<net::HttpClient>(io, tls, *auth, std::move(options));
        net::ClientRequest request;
        request.url = std::move(parsed).value();
        request.fields.emplace_back("Accept", std::string(kAssignmentType));
        client->send(std::move(request), [this, its_done = std::move(its_done)](auto answer) {
            // A copy: `done` may be the end of us.
            const auto tell = its_done;
            tell(read(std::move(answer)));
        });
    }

    static Result<std::optional<planning::Assignment>, TransferTrouble> read(
        Result<net::ClientAnswer, net::ClientError> answer) {
        // Longer than an Assignment can be: the image itself.
        if (!answer && answer.error().fault == net::ClientFault::bad_answer)
            return std::optional<planning::Assignment>();
        if (!answer) return trouble_of(answer.error());
        const auto& got = answer.value();
        if (got.status != 200)
            return TransferTrouble{got.status >= 500 ? 9015u : 9016u,
                                   "Assignment: HTTP " + std::to_string(got.status)};
        if (!got.field("content-type").starts_with(kAssignmentType))
            return std::optional<planning::Assignment>();
        auto assignment = planning::parse_assignment(got.body);
        if (!assignment) return TransferTrouble{9010, assignment.error().message};
        return std::optional(std::move(assignment).value());
    }

    void fetch(const std::string& url, const http::Credentials& who, std::uint64_t length,
               FetchMode its_mode, double its_bps, Fetched its_done) {
        auto parsed = net::parse_url(url);
        if (!parsed)
            return later([its_done, why = parsed.error().message] {
                its_done(TransferTrouble{9003, why});
            });
        mode = its_mode;
        bps = its_bps;
        done = std::move(its_done);
        began = std::chrono::steady_clock::now();
        auth.emplace(who, net::BasicPolicy::over_tls);
        net::ClientOptions options;
        options.redirects = kRedirects;
        options.connect_timeout = std::chrono::seconds(10);
        options.local_address = local_address;
        connection = std::make_unique<net::ClientConnection>(io, tls, *auth, options);
        net::FetchRequest request;
        request.url = std::move(parsed).value();
        request.total = length == 0 ? kAnyLength : length;
        connection->get(1, request, *this);
    }

    // --- BodySink ---------------------------------------------------------------------------

    std::span<std::uint8_t> room() override {
        if (is_over) return {};
        if (bps <= 0 || mode == FetchMode::head) return waste();
        const std::chrono::duration<double> gone = std::chrono::steady_clock::now() - began;
        const auto allowed = static_cast<std::uint64_t>(gone.count() * bps / 8) + waste().size();
        if (came < allowed) return waste().first(std::min(allowed - came, waste().size()));
        timer.expires_after(kPause);
        timer.async_wait([weak = weak_from_this()](boost::system::error_code error) {
            const auto self = weak.lock();
            if (!error && self && self->connection) self->connection->resume();
        });
        return {};
    }
    void on_bytes(std::size_t count) override {
        came += count;
        if (mode == FetchMode::head) end(came);
    }
    void on_end() override { end(came); }
    void on_fault(net::FetchFault fault, Duration, const std::string& why) override {
        end(trouble_of(fault, why));
    }

    void end(Result<std::uint64_t, TransferTrouble> result) {
        if (std::exchange(is_over, true)) return;
        later([self = shared_from_this(), result = std::move(result)] {
            self->connection.reset();
            const auto tell = std::exchange(self->done, nullptr);
            if (tell) tell(result);
        });
    }

    template <class Job>
    void later(Job job) {
        boost::asio::post(io, std::move(job));
    }

    boost::asio::io_context& io;
    net::ClientTls& tls;
    const std::string local_address;
    boost::asio::steady_timer timer;
    std::optional<net::ClientAuth> auth;
    std::unique_ptr<net::HttpClient> client;
    std::unique_ptr<net::ClientConnection> connection;
    FetchMode mode = FetchMode::head;
    double bps = 0;
    std::uint64_t came = 0;
    std::chrono::steady_clock::time_point began;
    bool is_over = false;
    Fetched done;
};

Transfer::Transfer(boost::asio::io_context& io, net::ClientTls& tls, std::string local_address)
    : impl_(std::make_shared<Impl>(io, tls, std::move(local_address))) {}

Transfer::~Transfer() {
    impl_->done = nullptr;
    impl_->is_over = true;
    impl_->client.reset();
    impl_->connection.reset();
    impl_->timer.cancel();
}

void Transfer::ask(const std::string& url, const http::Credentials& who, Assigned done) {
    impl_->ask(url, who, std::move(done));
}

void Transfer::fetch(const std::string& url, const http::Credentials& who, std::uint64_t length,
                     FetchMode mode, double bps, Fetched done) {
    impl_->fetch(url, who, length, mode, bps, std::move(done));
}

}  // namespace sluice::sim::fleet
