#include "agent/fetch_run.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <memory>
#include <optional>

#include "agent/clock.hpp"
#include "agent/cpu_sampler.hpp"
#include "agent/disk/disk.hpp"
#include "agent/fetch_report.hpp"
#include "agent/fetch_serving.hpp"
#include "agent/fetcher.hpp"
#include "agent/folder_lock.hpp"
#include "agent/image_installer.hpp"
#include "agent/peer_server.hpp"
#include "agent/piece_store.hpp"
#include "agent/progress.hpp"
#include "agent/retention.hpp"
#include "agent/swarm_link.hpp"
#include "agent/sync_thread.hpp"
#include "agent/worker.hpp"
#include "engine/net/client_tls.hpp"
#include "engine/net/log.hpp"
#include "engine/net/random.hpp"

namespace sluice::agent {
namespace {

// Owns what its parts share, above all the PieceSet: the fetcher adds to it, the peer server gives
// from it.
class FetchRun final : private FetchListener {
public:
    FetchRun(const FetchOrder& order, ReportFile report, bool has_bar);
    int run();

private:
    // What a signal to end finds. What has begun on the disk is brought to its end: only its
    // outcome can say how this run ended.
    enum class Phase : std::uint8_t { fetching, finishing, serving };

    void await_signal();
    void on_stop_asked();
    Result<void> draw_random();
    Result<void> lock_folders();
    Result<void> open_store();
    Result<void> start_server();
    Result<void> offer_image();
    Result<void> start_fetcher();
    void join_swarm();
    void make_durable();
    void install();
    void on_installed(const Result<std::string>& slot);
    void serve_on();
    void end(int exit_code);
    int fail(const std::string& why);
    void on_verified(PieceIndex piece);

    void on_layer(SourceIndex source, const image::PieceLayer& layer) override;
    void on_request(RequestId id, SourceIndex source, PieceRun run, std::size_t found) override;
    void on_piece(PieceIndex piece, SourceIndex source) override;
    void on_left(SourceIndex source, transfer::Parting why) override;
    void on_banned(SourceIndex source, PieceIndex piece) override;
    void on_trouble(SourceIndex source, const std::string& why) override;
    void on_finished() override;
    void on_given_up(transfer::Failure why, const std::string& detail) override;

    struct Random {
        std::uint32_t boot_id;
        std::array<std::uint8_t, 32> nonce_key;
    };

    const FetchOrder& order_;
    ReportFile report_;
    FetchReport story_{report_};
    const bool has_bar_;
    boost::asio::io_context io_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer serving_ends_;
    net::ClientTls tls_;
    CpuSampler cpu_;
    Random random_{};
    const std::unique_ptr<disk::Disk> disk_;
    std::optional<FolderLock> store_lock_, slots_lock_;
    std::unique_ptr<PieceStore> store_;
    std::shared_ptr<const image::PieceLayer> layer_;
    PieceSet verified_;
    std::unique_ptr<SyncThread> sync_;
    std::unique_ptr<PeerServer> server_;
    std::unique_ptr<Fetcher> fetcher_;
    std::unique_ptr<SwarmLink> swarm_;
    std::unique_ptr<Worker> worker_;  // last: gone before everything that its jobs use
    std::optional<Progress> progress_;
    Phase phase_ = Phase::fetching;
    bool is_stop_asked_ = false;
    int exit_code_ = 1;
};

FetchRun::FetchRun(const FetchOrder& order, ReportFile report, bool has_bar)
    : order_(order),
      report_(std::move(report)),
      has_bar_(has_bar),
      io_(1),
      signals_(io_, SIGTERM, SIGINT),
      serving_ends_(io_),
      tls_(order_.ca_file),
      disk_(disk::posix_disk()) {}

int FetchRun::run() {
    await_signal();
    worker_ = std::make_unique<Worker>();
    // Listening comes first: neighbours that start at the same moment wait in the backlog, where
    // a refused connection would send them elsewhere.
    for (auto step : {&FetchRun::draw_random, &FetchRun::lock_folders, &FetchRun::start_server,
                      &FetchRun::open_store, &FetchRun::offer_image, &FetchRun::start_fetcher}) {
        if (auto done = (this->*step)(); !done) return fail(done.error().message);
    }
    io_.run();
    // The worker first, then what its jobs used.
    worker_.reset();
    swarm_.reset();
    fetcher_.reset();
    server_.reset();
    return exit_code_;
}

void FetchRun::await_signal() {
    signals_.async_wait([this](boost::system::error_code error, int) {
        if (error) return;
        await_signal();
        on_stop_asked();
    });
}

void FetchRun::on_stop_asked() {
    is_stop_asked_ = true;
    switch (phase_) {
        case Phase::fetching:
            return fetcher_->cancel();
        case Phase::finishing:
            return;
        case Phase::serving:
            return end(0);
    }
}

int FetchRun::fail(const std::string& why) {
    net::log(net::LogLevel::error, why);
    report_.write("failed", {{"why", why}});
    return 1;
}

void FetchRun::end(int exit_code) {
    if (progress_) progress_->close();
    exit_code_ = exit_code;
    io_.stop();
}

// --- starting -----------------------------------------------------------------------------------

// Without random bytes no credentials could be answered for, or asked for: better now than at the
// first source.
Result<void> FetchRun::draw_random() {
    SLUICE_TRY(random_, net::random_block<Random>());
    return success();
}

// Waits for no disk: listening comes soon behind it.
Result<void> FetchRun::lock_folders() {
    if (auto made = disk_->make_directory(order_.store); !made) {
        return std::move(made).error().within("--store " + order_.store);
    }
    auto store = FolderLock::take(order_.store);
    if (!store) return std::move(store).error().within("--store");
    store_lock_.emplace(std::move(store).value());
    if (order_.slots.empty()) return success();
    auto slots = FolderLock::take(order_.slots);
    if (!slots) return std::move(slots).error().within("--slots");
    slots_lock_.emplace(std::move(slots).value());
    return success();
}

Result<void> FetchRun::open_store() {
    // Not durable, a power cut would take all that is in it.
    if (auto made = disk::make_durable_directory(*disk_, order_.store); !made) {
        return std::move(made).error().within("--store " + order_.store);
    }
    const auto& layout = order_.manifest.layout;
    SLUICE_TRY(store_, open_making_room(*disk_, order_.store, order_.manifest.image, layout,
                                        order_.utc(monotonic_now()), {}));
    SLUICE_CHECK(store_->save_manifest(as_bytes(order_.assignment.manifest)));
    verified_ = PieceSet(layout.piece_count());
    if (const auto raw = store_->load_layer()) {
        auto layer = image::PieceLayer::prove(layout, order_.manifest.pieces_root, *raw);
        if (layer) {
            SLUICE_TRY(verified_, store_->resume(layer.value()));
            layer_ = std::make_shared<const image::PieceLayer>(std::move(layer).value());
        }
    }
    sync_ = std::make_unique<SyncThread>(*store_);
    report_.write("started", {{"resumed_pieces", verified_.count()}});
    net::log_info("image " + order_.manifest.name,
                  {{"id", order_.manifest.image.hex()},
                   {"bytes", std::to_string(layout.length)},
                   {"pieces", std::to_string(layout.piece_count())},
                   {"resumed", std::to_string(verified_.count())}});
    return success();
}

Result<void> FetchRun::start_server() {
    if (!order_.assignment.serving || order_.listen.empty()) return success();
    auto options = serving_options(order_);
    options.boot_id = random_.boot_id | 1;  // 0 means "none known"
    options.nonce_key = random_.nonce_key;
    options.cpu_percent = [this] { return cpu_.percent(); };
    SLUICE_TRY(server_, PeerServer::start(io_, std::move(options)));
    return success();
}

Result<void> FetchRun::offer_image() {
    if (!server_) return success();
    SLUICE_TRY(auto image, served_image(order_));
    image.verified = &verified_;
    image.fd = store_->fd();
    if (layer_) image.layer = layer_->raw();
    SLUICE_CHECK(server_->add_image(image));
    const auto& address = order_.listen.front().address;
    report_.write("listening", {{"address", address}, {"port", server_->port()}});
    net::log_info("serving", {{"address", address}, {"port", std::to_string(server_->port())}});
    return success();
}

Result<void> FetchRun::start_fetcher() {
    const auto& layout = order_.manifest.layout;
    std::uint64_t done = 0;
    for (std::uint32_t p = 0; p < verified_.size(); ++p) {
        if (verified_.contains(PieceIndex{p})) done += layout.size_of(PieceIndex{p});
    }
    progress_.emplace(order_.manifest.name, done, layout.length, has_bar_, monotonic_now());
    fetcher_ =
        std::make_unique<Fetcher>(io_, *worker_, *store_, tls_, order_.assignment, order_.manifest,
                                  layer_, verified_, static_cast<FetchListener&>(*this));
    auto started = fetcher_->start();
    if (!started) return std::move(started).error().within("assignment");
    if (layer_) join_swarm();
    return success();
}

// The layer is proved: pieces can be, whoever brings them.
void FetchRun::join_swarm() {
    if (!order_.assignment.swarm) return;
    SwarmLink::Ears ears;
    ears.on_piece = [this](PieceIndex piece) {
        on_verified(piece);
        story_.brought(piece);
    };
    ears.on_banned = [this](const std::string& address) { story_.banned(address); };
    swarm_ = std::make_unique<SwarmLink>(
        MembershipParts{io_, *worker_, *store_, order_.manifest, layer_, verified_,
                        order_.listen.front().address, [this] { return cpu_.percent(); },
                        [](const std::string& line) { net::log_info(line); }},
        *order_.assignment.swarm, std::move(ears));
    swarm_->serve_fetch(fetcher_.get());
}

// --- what the fetcher tells ---------------------------------------------------------------------

void FetchRun::on_layer(SourceIndex source, const image::PieceLayer& layer) {
    story_.layer(source);
    layer_ = std::make_shared<const image::PieceLayer>(layer);
    join_swarm();
    if (server_) server_->set_layer(order_.manifest.image, layer.raw());
}

void FetchRun::on_request(RequestId id, SourceIndex source, PieceRun run, std::size_t found) {
    story_.request(id, source, run, found);
}

void FetchRun::on_piece(PieceIndex piece, SourceIndex source) {
    on_verified(piece);
    if (swarm_) swarm_->came_otherwise(piece);
    story_.piece(piece, source);
}

// Whatever brought it: neighbours that wait by HTTP get it now.
void FetchRun::on_verified(PieceIndex piece) {
    if (server_) server_->piece_verified(order_.manifest.image, piece);
    progress_->add(order_.manifest.layout.size_of(piece), monotonic_now());
}

void FetchRun::on_left(SourceIndex source, transfer::Parting why) {
    story_.left(source, why);
}

void FetchRun::on_banned(SourceIndex source, PieceIndex piece) {
    story_.banned(source, piece);
}

void FetchRun::on_trouble(SourceIndex source, const std::string& why) {
    story_.trouble(source, why);
}

void FetchRun::on_given_up(transfer::Failure why, const std::string& detail) {
    auto line = std::string(name_of(why));
    // What the last source said explains most failures; a cancelled fetch explains itself.
    if (why != transfer::Failure::cancelled && !detail.empty()) line += ": " + detail;
    if (progress_) progress_->close();
    fail(line);
    end(1);
}

void FetchRun::on_finished() {
    phase_ = Phase::finishing;
    progress_->close();
    const auto& counts = fetcher_->counts();
    report_.write("finished", {{"bytes_by_source", counts.image_bytes},
                               {"duplicate_pieces", counts.duplicate_pieces},
                               {"swarm_bytes", swarm_ ? swarm_->counts().bytes_in : 0}});
    net::log_info("every piece is verified");
    make_durable();
}

// --- afterwards ---------------------------------------------------------------------------------

void FetchRun::make_durable() {
    worker_->post([this] {
        auto synced = store_->sync();
        if (synced) synced = store_->mark_used(order_.utc(monotonic_now()));
        boost::asio::post(io_, [this, synced = std::move(synced)] {
            // The fetcher is idle for good; its buffers and connections go.
            if (swarm_) swarm_->serve_fetch(nullptr);
            fetcher_.reset();
            if (!synced) {
                fail("store failed: " + synced.error().message);
                return end(1);
            }
            install();
        });
    });
}

void FetchRun::install() {
    if (order_.slots.empty() && order_.install_command.empty()) return serve_on();
    if (is_stop_asked_) {
        fail(std::string(name_of(transfer::Failure::cancelled)));
        return end(1);
    }
    worker_->post([this] {
        Result<std::string> done = std::string();
        if (!order_.slots.empty()) {
            done = install_into_slots(*disk_, order_.slots, *store_, order_.manifest,
                                      order_.security_version);
        } else if (auto by = install_by_command(order_.install_command, *store_, order_.manifest);
                   !by) {
            done = std::move(by).error();
        }
        boost::asio::post(io_, [this, done = std::move(done)] { on_installed(done); });
    });
}

void FetchRun::on_installed(const Result<std::string>& slot) {
    if (!slot) {
        fail("install failed: " + slot.error().message);
        return end(1);
    }
    if (slot.value().empty()) {
        report_.write("installed");
    } else {
        report_.write("installed", {{"slot", slot.value()}});
    }
    net::log_info("installed", {{"slot", slot.value()}});
    serve_on();
}

void FetchRun::serve_on() {
    phase_ = Phase::serving;
    if (is_stop_asked_ || !server_ || order_.keep_serving == Duration{}) return end(0);
    serving_ends_.expires_after(order_.keep_serving);
    serving_ends_.async_wait([this](boost::system::error_code error) {
        if (!error) end(0);
    });
}

}  // namespace

int run_fetch(const FetchOrder& order, ReportFile report, bool has_bar) {
    return FetchRun(order, std::move(report), has_bar).run();
}

}  // namespace sluice::agent
