#include "acs-plugin/metrics/watch_server.hpp"

#include <boost/asio/io_context.hpp>

#include "acs-plugin/rest/problem.hpp"
#include "engine/net/http_server.hpp"

namespace sluice::metrics {
namespace {

net::HttpServerLimits limits() {
    net::HttpServerLimits out;
    out.connections = 32;
    return out;
}

}  // namespace

struct WatchServer::Impl final : net::HttpHandler {
    Impl(boost::asio::io_context& io, WatchOptions o)
        : options(std::move(o)), http(io, *this, limits(), options.log) {}

    net::HttpResponse answer_to(const net::HttpRequest& request) const {
        const auto target = request.target().substr(0, request.target().find('?'));
        if (request.method() != "GET" && request.method() != "HEAD") {
            auto out = rest::problem(405, "this takes GET");
            out.fields.emplace_back("Allow", "GET, HEAD");
            return out;
        }
        if (target == "/metrics")
            return {200,
                    {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
                    options.text()};
        if (target == "/health") return rest::json_answer(200, "{\"status\":\"ok\"}");
        if (target != "/ready") return rest::problem(404, "here are /metrics, /health and /ready");
        const auto why = options.not_ready();
        if (!why.empty()) return rest::problem_for_a_while(503, why, 1);
        return rest::json_answer(200, "{\"status\":\"ready\"}");
    }
    void on_request(const net::HttpRequest& request, net::ExchangeId id) override {
        http.answer(id, answer_to(request));
    }
    void on_sent(net::ExchangeId, std::uint32_t) override {}
    void on_closed(net::ExchangeId) override {}

    const WatchOptions options;
    std::uint16_t first_port = 0;
    net::HttpServer http;
};

Result<std::unique_ptr<WatchServer>> WatchServer::start(boost::asio::io_context& io,
                                                        WatchOptions options) {
    auto impl = std::make_unique<Impl>(io, std::move(options));
    for (const auto& address : impl->options.listen) {
        SLUICE_TRY(const auto port, impl->http.listen(address));
        if (impl->first_port == 0) impl->first_port = port;
    }
    return std::unique_ptr<WatchServer>(new WatchServer(std::move(impl)));
}

WatchServer::WatchServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WatchServer::~WatchServer() = default;

std::uint16_t WatchServer::port() const {
    return impl_->first_port;
}

}  // namespace sluice::metrics
