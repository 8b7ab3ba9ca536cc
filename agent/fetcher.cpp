#include "agent/fetcher.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <set>
#include <vector>

#include "agent/arrivals.hpp"
#include "agent/body_sinks.hpp"
#include "agent/clock.hpp"
#include "agent/fetch_source.hpp"
#include "engine/base/overloaded.hpp"
#include "engine/http/have.hpp"
#include "engine/transfer/session.hpp"

namespace sluice::agent {
namespace {

// Two for each of up to four sources asked at a time: one being filled, one being hashed; two more
// so that a hedge never waits for the run it hedges.
constexpr std::size_t kPieceBuffers = kStartedSlots;
static_assert(kPieceBuffers == 10);

}  // namespace

// Handlers and jobs hold it by shared_ptr: some come back after the Fetcher is gone.
struct Fetcher::Impl final : BodyListener, std::enable_shared_from_this<Fetcher::Impl> {
    boost::asio::io_context& io;
    Worker& worker;
    PieceStore& store;
    net::ClientTls& tls;
    const planning::Assignment& assignment;
    const image::PieceLayout layout;
    const image::Digest root;
    std::shared_ptr<const image::PieceLayer> layer;
    PieceSet& verified;
    FetchListener& listener;

    PieceBuffers buffers;
    Arrivals arrivals;
    PieceSet offered;
    transfer::Session session;
    std::vector<std::unique_ptr<FetchSource>> sources;
    std::map<RequestId, std::unique_ptr<RunSink>> runs;
    std::set<PieceIndex> mended;  // asked for from behind what an earlier life had of them
    std::unique_ptr<BlockSink> layer_body;
    std::vector<transfer::Event> events;
    transfer::Actions actions;
    bool is_scheduled = false;
    bool is_stopped = false;  // events still queued mean nothing any more
    boost::asio::steady_timer timer;
    Instant armed_for = Instant::never();
    FetchCounts counts;
    std::string last_trouble;

    Impl(boost::asio::io_context& the_io, Worker& the_worker, PieceStore& the_store,
         net::ClientTls& the_tls, const planning::Assignment& the_assignment,
         const image::Manifest& manifest, std::shared_ptr<const image::PieceLayer> the_layer,
         PieceSet& the_verified, FetchListener& the_listener)
        : io(the_io),
          worker(the_worker),
          store(the_store),
          tls(the_tls),
          assignment(the_assignment),
          layout(manifest.layout),
          root(manifest.pieces_root),
          layer(std::move(the_layer)),
          verified(the_verified),
          listener(the_listener),
          buffers(layout.piece_length, kPieceBuffers, store.started_path(), store.take_started()),
          arrivals(io, worker, store),
          offered(layout.piece_count()),
          session(transfer::session_plan(assignment, layout, layer != nullptr), verified, &offered),
          timer(io) {
        counts.image_bytes.resize(assignment.sources.size());
    }

    // --- events in --------------------------------------------------------------------------

    // Events are noted where they happen and handled soon after, outside of any connection.
    void say(const transfer::Event& event) {
        events.push_back(event);
        if (is_scheduled) return;
        is_scheduled = true;
        boost::asio::post(io, [self = shared_from_this()] { self->drain(); });
    }

    // Reads come by the thousand and say all the same: this source lives.
    void say_bytes(RequestId id, std::size_t count) {
        const auto bytes = static_cast<std::uint32_t>(count);
        if (!events.empty()) {
            auto* last = std::get_if<transfer::BytesArrived>(&events.back());
            if (last != nullptr && last->id == id) {
                last->bytes += bytes;
                return;
            }
        }
        say(transfer::BytesArrived{id, bytes});
    }

    void drain() {
        is_scheduled = false;
        std::vector<transfer::Event> now_due;
        now_due.swap(events);
        if (is_stopped) return;
        for (const auto& event : now_due) handle(event);
        if (events.empty()) {
            now_due.clear();
            events.swap(now_due);  // keeps its memory
        }
        set_timer();
    }

    void handle(const transfer::Event& event) {
        actions.clear();
        session.on(event, monotonic_now(), actions);
        for (const auto& action : actions) act(action);
        // What arrived and is not to be verified was there already, or is wanted no more.
        if (const auto* arrived = std::get_if<transfer::PieceArrived>(&event)) {
            if (auto unwanted = arrivals.take(arrived->id, arrived->piece)) {
                ++counts.duplicate_pieces;
                release(std::move(unwanted->bytes));
            }
        }
    }

    // The deadline moves on with every byte; the timer is touched only when it would be late, and
    // looks again when it fires early.
    void set_timer() {
        const auto due = session.next_deadline();
        if (due >= armed_for) return;
        armed_for = due;
        timer.expires_at(std::chrono::steady_clock::time_point(
            std::chrono::duration_cast<std::chrono::steady_clock::duration>(due.since_start)));
        timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
            if (!error) self->on_timer();
        });
    }

    void on_timer() {
        armed_for = Instant::never();
        if (monotonic_now() >= session.next_deadline()) return say(transfer::DeadlinePassed{});
        set_timer();
    }

    // --- actions out ------------------------------------------------------------------------

    void act(const transfer::Action& action) {
        std::visit(
            Overloaded{
                [this](const transfer::RequestLayer& a) { request_layer(a.id, a.source); },
                [this](const transfer::RequestRun& a) { request_run(a); },
                [this](const transfer::CancelRequest& a) { cancel_request(a.id, a.source); },
                [this](const transfer::AskHave& a) { ask_have(a.source, a.after); },
                [this](const transfer::VerifyPiece& a) { verify(a.id, a.piece); },
                [this](const transfer::LeaveSource& a) { listener.on_left(a.source, a.why); },
                [this](const transfer::BanSource& a) { listener.on_banned(a.source, a.piece); },
                [this](const transfer::Finish&) {
                    stop();
                    buffers.leave_nothing();
                    listener.on_finished();
                },
                [this](const transfer::GiveUp& a) {
                    stop();
                    listener.on_given_up(a.why, last_trouble);
                },
            },
            action);
    }

    // No request is open afterwards; what still comes back finds nothing to do.
    void stop() {
        is_stopped = true;
        timer.cancel();
        runs.clear();
        layer_body.reset();
        for (auto& source : sources) source->have.reset();
        sources.clear();
    }

    FetchSource& at(SourceIndex source) { return *sources[source.value]; }

    void request_layer(RequestId id, SourceIndex source) {
        const auto size = std::uint64_t{layout.piece_count()} * sizeof(image::Digest);
        layer_body = std::make_unique<BlockSink>(*this, id, source, true, size);
        at(source).runs().get(id.value, {at(source).layer_url(), {}, size}, *layer_body);
    }

    void request_run(const transfer::RequestRun& a) {
        auto begun = buffers.take_begun(a.run.first);
        if (begun.buffer) {
            mended.insert(a.run.first);
        } else {
            mended.erase(a.run.first);
        }
        listener.on_request(a.id, a.source, a.run, begun.filled);
        const auto begin = layout.offset_of(a.run.first);
        const http::ByteRange range{begin + begun.filled,
                                    begin + layout.bytes_of(a.run.first, a.run.count)};
        auto& sink = runs[a.id];
        sink = std::make_unique<RunSink>(*this, buffers, layout, a.id, a.source, a.run,
                                         std::move(begun));
        at(a.source).runs().get(a.id.value, {at(a.source).image_url(), range, layout.length},
                                *sink);
    }

    void cancel_request(RequestId id, SourceIndex source) {
        at(source).runs().cancel(id.value);
        runs.erase(id);
        if (layer_body && layer_body->id() == id) layer_body.reset();
        resume_starved();
    }

    void ask_have(SourceIndex index, std::uint32_t after) {
        auto& source = at(index);
        if (source.have) source.haves().cancel(source.have->id().value);
        static constexpr RequestId kHave{1};
        const auto size = http::have_size(layout.piece_count());
        source.have = std::make_unique<BlockSink>(*this, kHave, index, false, size);
        source.haves().get(kHave.value, {source.have_url(after), {}, size}, *source.have);
    }

    void verify(RequestId id, PieceIndex piece) {
        arrivals.judge(
            arrivals.take(id, piece), layer,
            [self = shared_from_this()](Arrival& arrival) { self->on_verdict(arrival); });
    }

    void on_verdict(Arrival& arrival) {
        release(std::move(arrival.bytes));
        const bool is_mended = mended.erase(arrival.piece) > 0;
        if (arrival.is_wrong && is_mended)
            return say(transfer::PieceSpoiled{arrival.id, arrival.piece});
        if (arrival.is_wrong) return say(transfer::PieceRefused{arrival.id, arrival.piece});
        if (!arrival.store_error.empty()) return on_store_error(arrival.store_error);
        if (verified.insert(arrival.piece)) {
            listener.on_piece(arrival.piece, arrival.source);
        } else {
            ++counts.duplicate_pieces;
        }
        say(transfer::PieceProved{arrival.id, arrival.piece});
    }

    void on_store_error(const std::string& why) {
        last_trouble = why;
        say(transfer::StoreFailed{});
    }

    void release(PieceBuffers::Buffer buffer) {
        buffers.give_back(std::move(buffer));
        resume_starved();
    }

    void resume_starved() {
        for (auto& source : sources) {
            if (!source->is_starved) continue;
            source->is_starved = false;
            source->runs().resume();
        }
    }

    // --- what the sinks tell ----------------------------------------------------------------

    void on_starved(const RunSink& run) override { at(run.source()).is_starved = true; }

    void on_run_bytes(const RunSink& run, std::size_t count) override {
        counts.image_bytes[run.source().value] += count;
        say_bytes(run.id(), count);
    }

    void on_piece(const RunSink& run, PieceIndex piece, PieceBuffers::Buffer bytes) override {
        arrivals.add(run.id(), run.source(), piece, std::move(bytes));
        say(transfer::PieceArrived{run.id(), piece});
    }

    void on_run_end(const RunSink& run) override { runs.erase(run.id()); }

    void on_run_fault(const RunSink& run, net::FetchFault fault, Duration retry_after,
                      const std::string& why) override {
        note_trouble(run.source(), why);
        const auto id = run.id();
        runs.erase(id);
        say(transfer::RequestFailed{id, fault_of(fault), retry_after});
    }

    void on_block_bytes(const BlockSink& block, std::size_t count) override {
        if (block.is_layer()) say_bytes(block.id(), count);
    }

    void on_block_end(BlockSink& block) override {
        if (block.is_layer()) {
            prove_layer(block.id(), block.source(), block.take());
            layer_body.reset();
            return;
        }
        const auto index = block.source();
        auto& source = at(index);
        const auto answer = http::decode_have(block.take(), layout.piece_count());
        source.have.reset();
        if (!answer) return say(transfer::HaveFailed{index, transfer::Fault::bad_answer});
        source.boot_id = answer->boot_id;
        say(transfer::HaveAnswered{index, answer->boot_id, answer->pieces.count()});
    }

    void on_block_fault(const BlockSink& block, net::FetchFault fault, Duration retry_after,
                        const std::string& why) override {
        const auto index = block.source();
        if (!block.is_layer()) {
            at(index).have.reset();
            return say(transfer::HaveFailed{index, fault_of(fault)});
        }
        note_trouble(index, why);
        const auto id = block.id();
        layer_body.reset();
        say(transfer::RequestFailed{id, fault_of(fault), retry_after});
    }

    void note_trouble(SourceIndex source, const std::string& why) {
        last_trouble = "source " + std::to_string(source.value) + ": " + why;
        listener.on_trouble(source, why);
    }

    // The layer is used, and passed on, once it is proved; pieces are written behind its saving, on
    // the same thread, so that a restart finds what proves them.
    void prove_layer(RequestId id, SourceIndex source, Bytes raw) {
        worker.post([this, self = shared_from_this(), id, source, raw = std::move(raw)] {
            auto proof = image::PieceLayer::prove(layout, root, raw);
            if (!proof) {
                boost::asio::post(io, [self, id] { self->say(transfer::LayerRefused{id}); });
                return;
            }
            auto proved = std::make_shared<const image::PieceLayer>(std::move(proof).value());
            boost::asio::post(io, [self, id, source, proved] {
                self->layer = proved;
                self->listener.on_layer(source, *proved);
                self->say(transfer::LayerProved{id});
            });
            auto saved = store.save_layer(raw);
            if (saved) return;
            boost::asio::post(io,
                              [self, why = saved.error().message] { self->on_store_error(why); });
        });
    }
};

Fetcher::Fetcher(boost::asio::io_context& io, Worker& worker, PieceStore& store,
                 net::ClientTls& tls, const planning::Assignment& assignment,
                 const image::Manifest& manifest, std::shared_ptr<const image::PieceLayer> layer,
                 PieceSet& verified, FetchListener& listener)
    : impl_(std::make_shared<Impl>(io, worker, store, tls, assignment, manifest, std::move(layer),
                                   verified, listener)) {}
Fetcher::~Fetcher() {
    impl_->stop();
}

Result<void> Fetcher::start(const std::string& local_address) {
    for (std::size_t i = 0; i < impl_->assignment.sources.size(); ++i) {
        auto source =
            FetchSource::make(impl_->io, impl_->tls, impl_->assignment.sources[i],
                              impl_->assignment.image, local_address, impl_->layout.piece_length);
        if (!source) {
            return std::move(source).error().within("sources[" + std::to_string(i) + "]");
        }
        impl_->sources.push_back(std::move(source).value());
    }
    impl_->say(transfer::Started{});
    return success();
}

void Fetcher::cancel() {
    impl_->say(transfer::Cancelled{});
}
const FetchCounts& Fetcher::counts() const {
    return impl_->counts;
}
void Fetcher::brought(PieceIndex piece) {
    impl_->say(transfer::PieceBrought{piece});
}
PieceSet& Fetcher::offered() {
    return impl_->offered;
}
void Fetcher::store_failed(const std::string& why) {
    impl_->on_store_error(why);
}

}  // namespace sluice::agent
