#pragma once
// One device of a simulated world: a shell around the very machines the agent runs. Events of the
// wire, the worker and the clock go into the session and the server; every action they give is done
// here or handed to the wire. Decides nothing itself.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "engine/base/piece_set.hpp"
#include "engine/base/rng.hpp"
#include "engine/install/installer.hpp"
#include "engine/serving/server.hpp"
#include "engine/transfer/session.hpp"
#include "sim/world/event_queue.hpp"
#include "sim/world/flash.hpp"
#include "sim/world/observer.hpp"
#include "sim/world/origin.hpp"
#include "sim/world/site.hpp"
#include "sim/world/wire.hpp"

namespace sluice::sim::world {

// What all hosts of a world share.
struct Surroundings {
    EventQueue& queue;
    Wire& wire;
    Observer& observer;
    const Instant& now;
    const SiteSpec& site;
};

enum class HostState : std::uint8_t { off, fetching, finished, gave_up };

class Host final : public Endpoint {
public:
    Host(const Surroundings& around, HostIndex index);
    ~Host() override;

    // Once, before anything else: where its Assignment's sources are.
    void connect(EndpointId self, const std::vector<EndpointId>& sources);

    // Life. A host boots with what its store kept.
    void boot();
    void kill();
    void cut_power();
    void fill_store();
    void set_poison(const Poison& poison) { poison_ = poison; }
    void set_load(std::uint32_t percent);
    // Installs what it holds, or will hold; once, whatever is ordered after it.
    void order_install();

    // Of the world's queue; stale ones are known by `life`.
    void on_timer();
    void on_worker_done(std::uint64_t life);
    void on_flush(std::uint64_t life);
    void on_install_step(std::uint64_t detail);
    void on_reboot(std::uint64_t life);

    // What observers look at.
    HostIndex index() const { return index_; }
    EndpointId endpoint() const { return self_; }
    const HostSpec& spec() const { return around_.site.hosts[index_.value]; }
    const image::PieceLayout& layout() const { return around_.site.layout; }
    HostState state() const { return state_; }
    bool is_up() const { return state_ == HostState::fetching || state_ == HostState::finished; }
    const PieceSet& have() const { return have_; }
    bool is_origin(SourceIndex s) const;
    EndpointId source(SourceIndex s) const { return links_[s.value].endpoint; }
    const transfer::Session* session() const { return session_ ? &*session_ : nullptr; }
    const serving::Server* server() const { return server_.get(); }
    const Flash& flash() const { return flash_; }
    install::Slot running() const { return running_; }
    // Nothing to install, or the new image is committed, or it was tried and the old one runs.
    bool is_install_settled() const;
    bool is_rebooting() const { return is_rebooting_; }
    bool runs_new_image() const;

    void on_established(ConnectionId connection) override;
    void on_refused(ConnectionId connection) override;
    void on_answer(ConnectionId connection, const Answer& answer) override;
    void on_bytes(ConnectionId connection, std::uint32_t bytes) override;
    void on_segment(ConnectionId connection, const Segment& segment) override;
    void on_request(ConnectionId connection, const Request& request) override;
    void on_sent(ConnectionId connection, std::uint32_t bytes) override;
    void on_closed(ConnectionId connection) override;

private:
    // --- fetching (host_fetch.cpp): one SourceLink for each source of the Assignment -----------
    struct Asked {
        RequestId id;
        Request request;
        bool is_cancelled = false;
        bool is_tainted = false;  // of the piece that is arriving
    };
    struct Channel {
        std::optional<ConnectionId> connection;
        Instant connect_due = Instant::never();  // when the attempt is given up
        std::deque<Asked> asked;                 // in the order they went out; the front arrives
    };
    struct SourceLink {
        EndpointId endpoint;
        Channel runs;
        Channel have;  // long polls have a connection of their own
        std::uint32_t known_boot_id = 0;
    };
    void tell(const transfer::Event& event);
    void act(const transfer::Action& action);
    void ask(SourceLink& link, Channel& channel, const Asked& asked);
    void reopen(SourceLink& link, Channel& channel);
    void cancel(SourceIndex source, RequestId id);
    void drop_cancelled_front(SourceLink& link);
    void ask_have(SourceIndex source, std::uint32_t after);
    void fail_channel(SourceIndex source, Channel& channel, transfer::Fault fault);
    void disconnect(Channel& channel);
    void notice_arrivals();
    struct Found {
        SourceIndex source;
        SourceLink* link = nullptr;
        Channel* channel = nullptr;
    };
    Found find_channel(ConnectionId connection);
    void finish();
    void give_up();

    // --- serving (host_serve.cpp) ----------------------------------------------------------------
    struct Served {
        std::deque<Request> waiting;  // the front one is being answered
        std::optional<serving::TransferId> transfer;
        std::uint64_t layer_left = 0;
        Instant layer_due = Instant::never();  // a layer not known yet: 503 then
    };
    void tell(const serving::Event& event);
    void act(const serving::Action& action);
    void serve_front(ConnectionId connection);
    void serve_layer(ConnectionId connection, Served& served);
    void serve_next(ConnectionId connection);
    void serve_waiting_layers();
    void send(const serving::Send& action);
    void notice_sent();
    std::optional<ConnectionId> connection_of(serving::TransferId id) const;

    // --- installing (host_install.cpp) ---------------------------------------------------------
    enum class Step : std::uint8_t { request, record, write, sync, verify, health, inform };
    static image::Digest image_digest();
    void start_installer();
    bool wants_install() const { return spec().install_after || is_install_ordered_; }
    void want_install();
    void tell(const install::Event& event);
    void act(const install::Action& action);
    std::uint64_t step(Step what) const;
    void reboot();

    // --- worker, store, clock (host.cpp)
    // -----------------------------------------------------------
    struct Job {
        RequestId id;
        PieceIndex piece;
        bool is_right = true;
    };
    void verify(const transfer::VerifyPiece& action);
    void start_job();
    void note_written(PieceIndex piece);
    const PieceSet& offered() const { return spec().gives_only_whole ? offered_ : have_; }
    void offer(PieceIndex piece);
    void flush();
    void go_down();
    void hold_all();
    Instant next_due() const;
    void arm_timer();

    Surroundings around_;
    HostIndex index_;
    EndpointId self_;
    HostState state_ = HostState::off;
    std::uint64_t life_ = 0;  // counts boots and deaths; old events are known by it
    Rng rng_;
    Poison poison_;

    // The disk: survives what it says.
    PieceSet have_;
    PieceSet durable_;
    PieceSet offered_;  // of one that gives only the whole image; no disk keeps it
    bool is_layer_known_ = false;
    bool is_layer_durable_ = false;
    std::uint32_t undurable_bytes_ = 0;
    Instant flush_due_{};  // of what waits

    Flash flash_;
    install::Slot running_ = install::Slot::a;
    install::Slot slot_ = install::Slot::b;  // being written
    bool has_power_cycled_ = false;          // the boot loader chooses at the next boot
    bool is_rebooting_ = false;
    bool has_installed_ = false;  // a bad image is not tried twice
    bool is_install_ordered_ = false;
    std::uint32_t load_percent_ = 0;

    std::optional<install::Installer> installer_;
    std::optional<transfer::Session> session_;
    std::unique_ptr<serving::Server> server_;
    std::vector<SourceLink> links_;
    std::map<ConnectionId, Served> served_;
    std::map<serving::TransferId, ConnectionId> transfers_;
    std::uint32_t next_transfer_ = 1;
    std::optional<Job> arrived_;  // the piece a PieceArrived is being told of
    std::deque<Job> jobs_;
    Instant timer_at_ = Instant::never();
};

}  // namespace sluice::sim::world
