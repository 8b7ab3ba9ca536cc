#include "acs-plugin/cwmp/endpoint_pool.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <optional>
#include <thread>

#include "acs-plugin/cwmp/shared_port.hpp"

namespace sluice::cwmp::acs {
namespace {

using boost::asio::io_context;

constexpr auto kCountEvery = std::chrono::seconds(1);

// A desk as another thread sees it: questions go there, answers come back. The front's context
// lives as long as anything that would post to it.
class FarDesk final : public Desk {
public:
    FarDesk(std::shared_ptr<io_context> front, io_context& there, Desk& desk)
        : front_(std::move(front)), there_(there), desk_(desk) {}

    void find(const std::string& identity, std::function<void(Found)> then) override {
        ask([identity, then = back(std::move(then))](Desk& d) { d.find(identity, then); });
    }
    void on_contact(const service::Contact& contact, std::function<void(Told)> then) override {
        ask([contact, then = back(std::move(then))](Desk& d) { d.on_contact(contact, then); });
    }
    void on_transfer_complete(const std::string& identity, const std::string& command_key,
                              std::uint32_t fault, const std::string& why,
                              std::function<void(bool)> recorded) override {
        ask([=, then = back(std::move(recorded))](Desk& d) {
            d.on_transfer_complete(identity, command_key, fault, why, then);
        });
    }
    void next_order(const std::string& identity, std::function<void(Order)> give) override {
        ask([identity, then = back(std::move(give))](Desk& d) { d.next_order(identity, then); });
    }
    void on_order_answer(const std::string& identity, const service::OrderAnswer& answer) override {
        ask([identity, answer](Desk& d) { d.on_order_answer(identity, answer); });
    }

private:
    template <class Question>
    void ask(Question question) {
        boost::asio::post(there_,
                          [question = std::move(question), &desk = desk_] { question(desk); });
    }
    template <class Answer>
    std::function<void(Answer)> back(std::function<void(Answer)> then) const {
        return [front = front_, then = std::move(then)](Answer answer) {
            boost::asio::post(*front, [then, answer = std::move(answer)] { then(answer); });
        };
    }

    const std::shared_ptr<io_context> front_;
    io_context& there_;
    Desk& desk_;
};

EndpointOptions share_of(const EndpointOptions& all, unsigned threads) {
    auto out = all;
    const auto part = [threads](auto& number) {
        number = std::max<std::remove_reference_t<decltype(number)>>(number / threads, 1);
    };
    part(out.sessions);
    part(out.http.connections);
    part(out.http.handshakes);
    part(out.http.all_bodies_bytes);
    return out;
}

}  // namespace

struct EndpointPool::Front {
    std::shared_ptr<io_context> io;
    std::optional<FarDesk> desk;
    std::unique_ptr<Endpoint> endpoint;
    std::optional<boost::asio::steady_timer> count_timer;
    std::thread thread;
    // As of the last count, for the planner's thread.
    std::mutex mutex;
    EndpointCounters counters;
    net::HttpServerCounters http_counters;

    // On its own thread, again and again.
    void count() {
        {
            const std::lock_guard guard(mutex);
            counters = endpoint->counters();
            http_counters = endpoint->http_counters();
        }
        count_timer->expires_after(kCountEvery);
        count_timer->async_wait([this](boost::system::error_code ec) {
            if (!ec) count();
        });
    }
};

EndpointPool::EndpointPool() = default;

EndpointPool::~EndpointPool() {
    for (const auto& front : fronts_)
        if (front->io) front->io->stop();
    for (const auto& front : fronts_)
        if (front->thread.joinable()) front->thread.join();
}

Result<std::unique_ptr<EndpointPool>> EndpointPool::start(io_context& io, Desk& desk,
                                                          EndpointOptions options,
                                                          unsigned threads) {
    std::unique_ptr<EndpointPool> out(new EndpointPool);
    if (threads == 0) {
        auto& only = *out->fronts_.emplace_back(std::make_unique<Front>());
        SLUICE_TRY(only.endpoint, Endpoint::start(io, desk, std::move(options)));
        return out;
    }
    std::vector<std::vector<net::ListenAddress>> listen(threads);
    for (const auto& address : options.listen) {
        SLUICE_TRY(const auto sockets, listen_together(address, threads));
        for (unsigned i = 0; i < threads; ++i)
            listen[i].push_back({"fd:" + std::to_string(sockets[i]), 0});
    }
    for (unsigned i = 0; i < threads; ++i) {
        auto& front = *out->fronts_.emplace_back(std::make_unique<Front>());
        front.io = std::make_shared<io_context>(1);
        front.desk.emplace(front.io, io, desk);
        auto own = share_of(options, threads);
        own.listen = std::move(listen[i]);
        SLUICE_TRY(front.endpoint, Endpoint::start(*front.io, *front.desk, std::move(own)));
        front.count_timer.emplace(*front.io);
        front.count();
    }
    for (const auto& front : out->fronts_)
        front->thread = std::thread([&front = *front] { front.io->run(); });
    return out;
}

const EndpointCounters& EndpointPool::counters() const {
    if (!fronts_.front()->io) return fronts_.front()->endpoint->counters();
    sum_ = {};
    for (const auto& front : fronts_) {
        const std::lock_guard guard(front->mutex);
        const auto& one = front->counters;
        sum_.sessions += one.sessions;
        sum_.superseded += one.superseded;
        sum_.turned_away += one.turned_away;
        sum_.denied += one.denied;
        sum_.bad_bodies += one.bad_bodies;
        sum_.open += one.open;
    }
    return sum_;
}

const net::HttpServerCounters& EndpointPool::http_counters() const {
    if (!fronts_.front()->io) return fronts_.front()->endpoint->http_counters();
    http_sum_ = {};
    for (const auto& front : fronts_) {
        const std::lock_guard guard(front->mutex);
        const auto& one = front->http_counters;
        http_sum_.accepted += one.accepted;
        http_sum_.turned_away += one.turned_away;
        http_sum_.requests += one.requests;
        http_sum_.bad_heads += one.bad_heads;
        http_sum_.bad_handshakes += one.bad_handshakes;
        http_sum_.resumed += one.resumed;
        http_sum_.timeouts += one.timeouts;
        http_sum_.open += one.open;
    }
    return http_sum_;
}

std::uint16_t EndpointPool::port() const {
    return fronts_.front()->endpoint->port();
}

}  // namespace sluice::cwmp::acs
