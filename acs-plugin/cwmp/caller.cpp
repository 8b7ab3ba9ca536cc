#include "acs-plugin/cwmp/caller.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "engine/net/client_auth.hpp"
#include "engine/net/client_tls.hpp"
#include "engine/net/http_client.hpp"
#include "engine/net/log.hpp"

namespace sluice::cwmp::acs {
namespace {

// The answer is looked at for its status only.
net::HttpClientOptions client_options(Duration timeout) {
    net::HttpClientOptions out;
    out.head_bytes = 8 * 1024;
    out.body_bytes = 16 * 1024;
    out.connect_timeout = timeout;
    out.answer_timeout = timeout;
    return out;
}

}  // namespace

struct Caller::Impl : std::enable_shared_from_this<Caller::Impl> {
    Impl(boost::asio::io_context& i, net::ClientTls& t, CallerOptions o, Done d)
        : io(i), tls(t), options(std::move(o)), done(std::move(d)) {}

    struct Line {
        Line(Impl& impl, const Call& call)
            : auth({call.username, call.password}, net::BasicPolicy::over_tls),
              client(impl.io, impl.tls, auth, client_options(impl.options.timeout)) {}
        net::ClientAuth auth;
        net::HttpClient client;
    };
    void start_some();
    void start(const Call& call);
    void finish(const std::string& identity, bool is_reached, const std::string& why);
    void say_unreached(const std::string& identity);

    boost::asio::io_context& io;
    net::ClientTls& tls;
    const CallerOptions options;
    const Done done;
    std::deque<Call> queue;
    std::unordered_set<std::string> known;  // queued or being called
    std::unordered_map<std::string, std::unique_ptr<Line>> open;
};

void Caller::Impl::start_some() {
    while (open.size() < options.at_once && !queue.empty()) {
        const auto call = std::move(queue.front());
        queue.pop_front();
        start(call);
    }
}

void Caller::Impl::start(const Call& call) {
    const auto url = net::parse_url(call.url);
    if (!url.has_value()) {
        known.erase(call.identity);
        return say_unreached(call.identity);
    }
    auto& line = open[call.identity];
    line = std::make_unique<Line>(*this, call);
    net::ClientRequest request;
    request.url = url.value();
    line->client.send(std::move(request), [weak = weak_from_this(), identity = call.identity](
                                              Result<net::ClientAnswer, net::ClientError> answer) {
        const auto self = weak.lock();
        if (!self) return;
        if (!answer.has_value()) return self->finish(identity, false, answer.error().why);
        const auto status = answer.value().status;
        self->finish(identity, status >= 200 && status < 300,
                     "it answered " + std::to_string(status));
    });
}

void Caller::Impl::finish(const std::string& identity, bool is_reached, const std::string& why) {
    known.erase(identity);
    // Its client is still on the stack: it goes when the stack is gone.
    if (auto line = open.extract(identity))
        boost::asio::post(io, [gone = std::shared_ptr<Line>(std::move(line.mapped()))] {});
    if (is_reached) {
        net::log_info("connection request taken", {{"device", identity}});
    } else {
        net::log(net::LogLevel::debug, "connection request not taken",
                 {{"device", identity}, {"why", why}});
    }
    start_some();
    done(identity, is_reached);
}

void Caller::Impl::say_unreached(const std::string& identity) {
    boost::asio::post(io, [weak = weak_from_this(), identity] {
        if (const auto self = weak.lock()) self->done(identity, false);
    });
}

Caller::Caller(boost::asio::io_context& io, net::ClientTls& tls, CallerOptions options, Done done)
    : impl_(std::make_shared<Impl>(io, tls, std::move(options), std::move(done))) {}
Caller::~Caller() {
    impl_->open.clear();
    impl_->queue.clear();
}

std::size_t Caller::room() const {
    return impl_->options.queued - std::min(impl_->options.queued, impl_->queue.size());
}

void Caller::call(Call call) {
    if (room() == 0 || impl_->known.contains(call.identity)) return;
    impl_->known.insert(call.identity);
    impl_->queue.push_back(std::move(call));
    impl_->start_some();
}

}  // namespace sluice::cwmp::acs
