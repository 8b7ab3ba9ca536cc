#include "engine/net/client_connection.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <optional>

#include "engine/net/answer_verdict.hpp"
#include "engine/net/client_auth.hpp"
#include "engine/net/client_exchange.hpp"
#include "engine/net/client_link.hpp"
#include "engine/net/read_pace.hpp"

namespace sluice::net {
namespace {

using boost::system::error_code;

// A body that nobody wants is read up to this length to keep the connection.
constexpr std::uint64_t kMaxSkipped = 64 * 1024;
// A nonce may turn out stale and its successor too; a third challenge means a wrong password.
constexpr unsigned kMaxChallenges = 3;

Instant now() {
    return Instant{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

}  // namespace

struct ClientConnection::Impl {
    using Link = ClientLink<Impl>;
    enum class Phase : std::uint8_t { none, head, body, paused, skip };

    boost::asio::io_context& io;
    ClientTls& tls;
    ClientAuth& auth;
    const ClientOptions options;
    std::size_t pipeline;
    std::deque<FetchExchange> exchanges;
    std::size_t sent = 0;  // the first so many exchanges are on the wire
    std::shared_ptr<Link> link;
    Url endpoint;  // of the link
    bool is_connected = false;
    bool has_answered = false;  // the link has carried a whole answer
    bool is_writing = false;
    bool is_keep_alive = true;
    ReadPace pace;
    Phase phase = Phase::none;
    std::uint64_t skip_left = 0;
    // Where redirects led the last URL that was answered with a body: later runs go there at once.
    struct Shortcut {
        Url from;
        Url to;
        bool is_foreign = false;
    };
    std::optional<Shortcut> shortcut;

    Impl(boost::asio::io_context& its_io, ClientTls& its_tls, ClientAuth& its_auth,
         const ClientOptions& its_options)
        : io(its_io),
          tls(its_tls),
          auth(its_auth),
          options(its_options),
          pipeline(options.pipeline) {}
    ~Impl() { drop_link(); }

    // --- the link ---------------------------------------------------------------------------

    void drop_link() {
        if (link) link->close(sent == 0);
        link.reset();
        is_connected = is_writing = has_answered = false;
        is_keep_alive = true;
        phase = Phase::none;
        sent = 0;
        std::erase_if(exchanges, [](const FetchExchange& e) { return e.is_cancelled; });
    }

    void connect() {
        endpoint = exchanges.front().request.url;
        link = std::make_shared<Link>(io, this);
        link->near_window = options.near_window;
        link->open(endpoint, tls, options.connect_timeout, options.local_address);
    }

    void on_connected() {
        link->timer.cancel();
        is_connected = true;
        pump();
    }

    // Everything that waits for this server fails at once: each would wait as long again.
    void on_unreachable(const std::string& why) {
        const auto there = endpoint;
        drop_link();
        shortcut.reset();
        std::deque<FetchExchange> failed;
        std::deque<FetchExchange> others;
        for (auto& exchange : exchanges) {
            auto& fate = exchange.request.url.is_same_endpoint(there) ? failed : others;
            fate.push_back(std::move(exchange));
        }
        exchanges.swap(others);
        for (const auto& e : failed) e.sink->on_fault(FetchFault::unreachable, {}, why);
        pump();
    }

    // --- asking -----------------------------------------------------------------------------

    void pump() {
        if (exchanges.empty()) return;
        if (!link) return connect();
        if (!is_connected) return;
        while (sent < exchanges.size() && sent < pipeline && is_keep_alive &&
               (auth.is_ready() || sent == 0)) {
            auto& next = exchanges[sent];
            if (!next.request.url.is_same_endpoint(endpoint)) {
                if (sent > 0) break;
                drop_link();
                return connect();
            }
            const auto words = next.is_foreign ? std::string()
                                               : auth.authorization("GET", next.request.url.target);
            next.was_pipelined = sent > 0;
            link->pending += request_text(next, words);
            ++sent;
        }
        flush();
        if (phase == Phase::none && sent > 0) read_head();
    }

    void flush() {
        if (is_writing || link->pending.empty()) return;
        is_writing = true;
        link->out.swap(link->pending);
        link->pending.clear();
        link->write([link = link](error_code error, std::size_t) {
            if (!link->owner) return;
            link->owner->is_writing = false;
            // The read side tells what became of the connection, answers already sent included.
            if (!error) link->owner->flush();
        });
    }

    // --- reading ----------------------------------------------------------------------------

    void read_head() {
        phase = Phase::head;
        if (exchanges.front().is_cancelled) {
            drop_link();
            return pump();
        }
        auto head = parse_answer_head(link->unread());
        if (!head) return on_broken(FetchFault::bad_answer, head.error().message);
        if (head.value()) {
            link->begin += head.value()->size;
            return on_head(*head.value());
        }
        link->compact();
        link->wait_for_bytes(1);
        link->read_some(
            boost::asio::buffer(link->in.data() + link->end, link->in.size() - link->end),
            [link = link](error_code error, std::size_t count) {
                if (!link->owner) return;
                if (error) return link->owner->on_lost(error);
                link->end += count;
                link->owner->read_head();
            });
    }

    void on_head(const AnswerHead& head) {
        auto& front = exchanges.front();
        link->bound_window_if_near();
        is_keep_alive = head.is_keep_alive;
        auto verdict = judge_answer(head, front.request);
        if (verdict.kind == AnswerKind::body) {
            if (front.redirects > 0) {
                shortcut = Shortcut{front.asked, front.request.url, front.is_foreign};
            }
            front.body_left = *head.content_length;
            phase = Phase::body;
            return read_body();
        }
        if (verdict.kind == AnswerKind::challenge && ask_again_with(head)) return skip_body(head);
        if (verdict.kind == AnswerKind::redirect && follow(head)) return skip_body(head);
        auto* sink = front.sink;
        take_front();
        shortcut.reset();
        sink->on_fault(verdict.fault, verdict.retry_after, verdict.why);
        skip_body(head);
    }

    void take_front() {
        exchanges.pop_front();
        --sent;
    }
    // The front exchange is asked once more, after what is on the wire already.
    void requeue_front() {
        auto front = std::move(exchanges.front());
        take_front();
        exchanges.insert(exchanges.begin() + static_cast<std::ptrdiff_t>(sent), std::move(front));
    }

    bool ask_again_with(const AnswerHead& head) {
        auto& front = exchanges.front();
        if (front.is_foreign || ++front.challenges >= kMaxChallenges) return false;
        if (!auth.learn(head.challenges, endpoint.is_tls)) return false;
        requeue_front();
        return true;
    }

    bool follow(const AnswerHead& head) {
        auto& front = exchanges.front();
        if (front.redirects >= options.redirects) return false;
        auto next = resolve(front.request.url, head.location);
        // From https nobody is led to plain http.
        if (!next || (endpoint.is_tls && !next.value().is_tls)) return false;
        ++front.redirects;
        front.is_foreign = front.is_foreign || !next.value().is_same_endpoint(endpoint);
        front.request.url = std::move(next).value();
        requeue_front();
        return true;
    }

    void read_body() {
        auto& front = exchanges.front();
        while (front.body_left > 0) {
            auto room = front.sink->room();
            if (room.empty()) {
                phase = Phase::paused;
                return;
            }
            room = room.first(std::min<std::uint64_t>(room.size(), front.body_left));
            const auto unread = link->unread();
            if (unread.empty()) return read_more_body(room);
            const auto count = std::min(room.size(), unread.size());
            std::copy_n(unread.data(), count, room.data());
            link->begin += count;
            front.body_left -= count;
            front.sink->on_bytes(count);
        }
        auto* sink = front.sink;
        take_front();
        sink->on_end();
        after_answer();
    }

    void read_more_body(std::span<std::uint8_t> room) {
        // OpenSSL may write into our buffer after a close: only plain TCP reads into the caller's.
        const bool is_direct = !link->tls;
        link->begin = link->end = 0;
        if (is_direct) link->wait_for_bytes(std::min(pace.bytes(), room.size()));
        const auto buffer = is_direct ? boost::asio::buffer(room.data(), room.size())
                                      : boost::asio::buffer(link->in.data(), link->in.size());
        link->read_some(buffer, [link = link, is_direct](error_code error, std::size_t count) {
            if (!link->owner) return;
            if (error) return link->owner->on_lost(error);
            if (is_direct) {
                link->owner->pace.on_read(now());
                auto& front = link->owner->exchanges.front();
                front.body_left -= count;
                front.sink->on_bytes(count);
            } else {
                link->end = count;
            }
            link->owner->read_body();
        });
    }

    void skip_body(const AnswerHead& head) {
        if (!head.content_length || *head.content_length > kMaxSkipped) is_keep_alive = false;
        skip_left = is_keep_alive ? *head.content_length : 0;
        phase = Phase::skip;
        skip_more();
    }

    void skip_more() {
        const auto count = std::min<std::uint64_t>(skip_left, link->unread().size());
        link->begin += count;
        skip_left -= count;
        if (skip_left == 0) return after_answer();
        link->begin = link->end = 0;
        link->wait_for_bytes(1);
        link->read_some(boost::asio::buffer(link->in),
                        [link = link](error_code error, std::size_t got) {
                            if (!link->owner) return;
                            if (error) return link->owner->on_lost(error);
                            link->end = got;
                            link->owner->skip_more();
                        });
    }

    void after_answer() {
        has_answered = true;
        phase = Phase::none;
        const bool is_garbage_left = sent == 0 && !link->unread().empty();
        if (!is_keep_alive || is_garbage_left) drop_link();
        pump();
    }

    // --- what goes wrong --------------------------------------------------------------------

    void on_lost(error_code error) {
        // While an answer is skipped its exchange is dealt with; the others are asked again.
        if (phase == Phase::skip) {
            drop_link();
            return pump();
        }
        // A server may close a kept connection at any time; once, that is nobody's fault.
        const bool is_kept_one_closed = phase == Phase::head && has_answered &&
                                        link->unread().empty() && !exchanges.front().was_retried;
        if (is_kept_one_closed) {
            exchanges.front().was_retried = true;
            drop_link();
            return pump();
        }
        on_broken(FetchFault::disconnected, error.message());
    }

    void on_broken(FetchFault fault, const std::string& why) {
        auto* sink = exchanges.front().sink;
        exchanges.pop_front();
        drop_link();
        sink->on_fault(fault, {}, why);
        pump();
    }

    void add(std::uint32_t id, const FetchRequest& request, BodySink& sink) {
        auto& added = exchanges.emplace_back();
        added.id = id;
        added.request = request;
        added.asked = request.url;
        added.sink = &sink;
        if (shortcut && shortcut->from == request.url) {
            added.request.url = shortcut->to;
            added.is_foreign = shortcut->is_foreign;
        }
        pump();
    }

    void cancel(std::uint32_t id) {
        const auto at =
            std::find_if(exchanges.begin(), exchanges.end(),
                         [id](const FetchExchange& e) { return e.id == id && !e.is_cancelled; });
        if (at == exchanges.end()) return;
        const auto index = static_cast<std::size_t>(at - exchanges.begin());
        if (index >= sent) {
            exchanges.erase(at);
            return;
        }
        at->is_cancelled = true;
        if (index > 0) return;  // dealt with when its turn comes
        // Some servers lose what is pipelined, and then wait for us: one at a time from now on.
        if (at->was_pipelined && phase == Phase::head && link->unread().empty()) pipeline = 1;
        drop_link();
        pump();
    }
};

ClientConnection::ClientConnection(boost::asio::io_context& io, ClientTls& tls, ClientAuth& auth,
                                   const ClientOptions& options)
    : impl_(std::make_unique<Impl>(io, tls, auth, options)) {}
ClientConnection::~ClientConnection() = default;

void ClientConnection::get(std::uint32_t id, const FetchRequest& request, BodySink& sink) {
    impl_->add(id, request, sink);
}

void ClientConnection::cancel(std::uint32_t id) {
    impl_->cancel(id);
}

void ClientConnection::resume() {
    if (impl_->phase != Impl::Phase::paused) return;
    impl_->phase = Impl::Phase::body;
    impl_->read_body();
}

bool ClientConnection::is_idle() const {
    return impl_->exchanges.empty();
}

}  // namespace sluice::net
