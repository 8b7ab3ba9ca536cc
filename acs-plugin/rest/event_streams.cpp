#include "acs-plugin/rest/event_streams.hpp"

#include <nlohmann/json.hpp>

#include "acs-plugin/rest/log_pace.hpp"
#include "acs-plugin/rest/views_json.hpp"

namespace sluice::rest {
namespace {

// Where a browser's EventSource begins again after a break, in ms; and proof that it is open.
constexpr const char* kBeginning = "retry: 2000\n\n";
constexpr const char* kBeat = ": beat\n\n";

std::string text_of(const service::EventRow& row) {
    return "id: " + std::to_string(row.number) + "\nevent: " + row.kind +
           "\ndata: " + dump(to_json(row)) + "\n\n";
}

}  // namespace

using Rows = std::vector<service::EventRow>;

struct EventStreams::Impl : std::enable_shared_from_this<Impl> {
    struct Stream {
        service::EventQuery query;
        bool is_reading = false;
        bool is_behind = true;    // there is more than was read
        std::uint64_t round = 0;  // of wakes: what it has looked at
        Instant said;
    };

    Impl(boost::asio::io_context& io, net::HttpServer& h, History log, const EventStreamLimits& l)
        : http(h),
          history(std::move(log)),
          limits(l),
          pace(io, l.poll, l.poll_unasked, [this](Instant now) { return look(now); }) {}

    bool look(Instant now);
    void read(net::ExchangeId id, Stream& stream);
    void take(net::ExchangeId id, const Result<Rows>& rows, std::size_t asked);
    void find_newest(net::ExchangeId id, Stream& stream);
    void say(net::ExchangeId id, Stream& stream, std::string text);

    net::HttpServer& http;
    const History history;
    const EventStreamLimits limits;
    std::map<net::ExchangeId, Stream> all;
    LogPace pace;
};

bool EventStreams::Impl::look(Instant now) {
    std::vector<net::ExchangeId> ids;
    for (const auto& [id, stream] : all) ids.push_back(id);
    for (const auto id : ids) {
        const auto at = all.find(id);
        if (at == all.end()) continue;
        if (at->second.is_reading || http.unsent(id) > 0) continue;
        if (now - at->second.said >= limits.beat) say(id, at->second, kBeat);
        // A socket that is lost on the way takes its stream with it.
        const auto still = all.find(id);
        if (still == all.end()) continue;
        auto& stream = still->second;
        if (stream.is_behind || stream.round != pace.round()) read(id, stream);
    }
    return !all.empty();
}

void EventStreams::Impl::say(net::ExchangeId id, Stream& stream, std::string text) {
    stream.said = LogPace::now();
    http.send_text(id, std::move(text));
}

void EventStreams::Impl::read(net::ExchangeId id, Stream& stream) {
    stream.is_reading = true;
    stream.round = pace.round();
    const auto asked = stream.query.at_most;
    history(stream.query, [weak = weak_from_this(), id, asked](const auto& rows) {
        if (const auto self = weak.lock()) self->take(id, rows, asked);
    });
}

void EventStreams::Impl::take(net::ExchangeId id, const Result<Rows>& rows, std::size_t asked) {
    const auto at = all.find(id);
    if (at == all.end()) return;
    auto& stream = at->second;
    stream.is_reading = false;
    // The reader comes again, and may find a log that can be read.
    if (!rows.has_value()) {
        all.erase(at);
        return http.end(id);
    }
    stream.is_behind = rows.value().size() == asked;
    if (rows.value().empty()) return;
    std::string text;
    for (const auto& row : rows.value()) text += text_of(row);
    stream.query.after = rows.value().back().number;
    say(id, stream, std::move(text));
}

// What happened before is none of its business.
void EventStreams::Impl::find_newest(net::ExchangeId id, Stream& stream) {
    stream.is_reading = true;
    service::EventQuery newest;
    newest.is_newest_first = true;
    newest.at_most = 1;
    history(newest, [weak = weak_from_this(), id](const auto& rows) {
        const auto self = weak.lock();
        if (!self) return;
        if (const auto at = self->all.find(id); at != self->all.end()) {
            if (rows.has_value() && !rows.value().empty())
                at->second.query.after = rows.value().front().number;
            self->take(id, rows.has_value() ? Result<Rows>(Rows{}) : rows, 1);
        }
    });
}

EventStreams::EventStreams(boost::asio::io_context& io, net::HttpServer& http, History history,
                           const EventStreamLimits& limits)
    : impl_(std::make_shared<Impl>(io, http, std::move(history), limits)) {}
EventStreams::~EventStreams() = default;

bool EventStreams::open(net::ExchangeId id, service::EventQuery query, bool is_from_now) {
    if (impl_->all.size() >= impl_->limits.streams) return false;
    query.at_most = impl_->limits.batch;
    auto& stream = impl_->all[id];
    stream.query = std::move(query);
    impl_->http.start_open(id, {200,
                                {{"Content-Type", "text/event-stream"},
                                 {"Cache-Control", "no-store"},
                                 {"X-Accel-Buffering", "no"}},
                                {}});
    impl_->say(id, stream, kBeginning);
    if (is_from_now) impl_->find_newest(id, stream);
    impl_->pace.start();
    return true;
}

void EventStreams::wake() {
    impl_->pace.wake();
}

void EventStreams::on_sent(net::ExchangeId id) {
    const auto at = impl_->all.find(id);
    if (at == impl_->all.end() || !at->second.is_behind || at->second.is_reading) return;
    if (impl_->http.unsent(id) == 0) impl_->read(id, at->second);
}

void EventStreams::on_closed(net::ExchangeId id) {
    impl_->all.erase(id);
}

std::size_t EventStreams::size() const {
    return impl_->all.size();
}

}  // namespace sluice::rest
