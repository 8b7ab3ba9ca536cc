#include "agent/management/image_fetch.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "agent/clock.hpp"
#include "engine/net/log.hpp"

namespace sluice::agent::management {

namespace {

// By the sources alone where there is no swarm, or nobody is served: as an agent that knows nothing
// of swarms reads the same Assignment.
planning::Assignment heeded(planning::Assignment assignment, const Library& library) {
    if (!can_swarm() || library.url().empty()) assignment.swarm.reset();
    return assignment;
}

}  // namespace

ImageFetch::ImageFetch(boost::asio::io_context& io, Worker& worker, Library& library,
                       net::ClientTls& tls, DeviceClock& clock, ReportFile& report,
                       planning::Assignment assignment, const std::string& local_address, Then then)
    : io_(io),
      worker_(worker),
      library_(library),
      tls_(tls),
      clock_(clock),
      report_(report),
      assignment_(heeded(std::move(assignment), library)),
      local_address_(local_address),
      then_(std::move(then)) {}

ImageFetch::~ImageFetch() {
    if (auto* link = swarm()) link->serve_fetch(nullptr);
    *is_alive_ = false;
}

void ImageFetch::start(const std::shared_ptr<StoredImage>& image) {
    image_ = image;
    result_.image = image;
    report_.write("started", {{"resumed_pieces", image->verified.count()}});
    if (assignment_.serving) library_.offer(image, *assignment_.serving);
    if (image->is_whole()) {
        join_swarm();
        return make_durable();
    }
    sync_ = std::make_unique<SyncThread>(*image->store);
    fetcher_ = std::make_unique<Fetcher>(io_, worker_, *image->store, tls_, assignment_,
                                         image->manifest, image->layer, image->verified,
                                         static_cast<FetchListener&>(*this));
    if (const auto started = fetcher_->start(local_address_); !started)
        fail({cwmp::FaultCode::download_failure, "assignment: " + started.error().message});
    if (image->layer) join_swarm();
}

// The layer is proved: pieces can be, whoever brings them. What is given goes on when this is over.
void ImageFetch::join_swarm() {
    if (!assignment_.swarm) return;
    auto* link =
        library_.join_swarm(image_, *assignment_.swarm, [this, alive = is_alive_](PieceIndex p) {
            if (*alive) report_.write("piece", {{"piece", p.value}, {"source", "swarm"}});
        });
    if (link != nullptr) link->serve_fetch(fetcher_.get());
}

SwarmLink* ImageFetch::swarm() {
    return image_ ? library_.swarm_of(image_->manifest.image) : nullptr;
}

// --- what the fetcher tells ----------------------------------------------------------------------

void ImageFetch::on_layer(SourceIndex source, const image::PieceLayer& layer) {
    report_.write("layer", {{"source", source.value}});
    image_->layer = std::make_shared<const image::PieceLayer>(layer);
    library_.layer_known(*image_);
    join_swarm();
}

void ImageFetch::on_request(RequestId id, SourceIndex source, PieceRun run, std::size_t found) {
    report_.write("request", {{"id", id.value},
                              {"source", source.value},
                              {"first", run.first.value},
                              {"count", run.count},
                              {"found", found}});
}

void ImageFetch::on_piece(PieceIndex piece, SourceIndex source) {
    library_.piece_verified(*image_, piece);
    if (auto* link = swarm()) link->came_otherwise(piece);
    report_.write("piece", {{"piece", piece.value}, {"source", source.value}});
}

void ImageFetch::on_left(SourceIndex source, transfer::Parting why) {
    has_stalled_ = why == transfer::Parting::silent || why == transfer::Parting::starving;
    net::log_info("left a source", {{"source", std::to_string(source.value)}});
}

void ImageFetch::on_banned(SourceIndex source, PieceIndex piece) {
    report_.write("banned", {{"source", source.value}, {"piece", piece.value}});
    net::log_warning(
        "banned a source: a piece of its is proven wrong",
        {{"source", std::to_string(source.value)}, {"piece", std::to_string(piece.value)}});
}

void ImageFetch::on_trouble(SourceIndex source, const std::string& why) {
    has_stalled_ = false;
    net::log_info("no bytes", {{"source", std::to_string(source.value)}, {"why", why}});
}

void ImageFetch::on_finished() {
    count_bytes();
    report_.write("finished", {{"bytes_by_source", fetcher_->counts().image_bytes},
                               {"duplicate_pieces", fetcher_->counts().duplicate_pieces}});
    net::log_info("every piece is verified");
    make_durable();
}

void ImageFetch::on_given_up(transfer::Failure why, const std::string& detail) {
    count_bytes();
    const bool is_stall = has_stalled_ && why == transfer::Failure::no_source_left;
    fail(is_stall ? TransferFault{cwmp::FaultCode::incomplete_download,
                                  "no source left: the last one fell silent", true}
                  : fault_of(why, detail));
}

void ImageFetch::count_bytes() {
    if (auto* link = swarm()) result_.peer_bytes += link->counts().bytes_in;
    const auto& bytes = fetcher_->counts().image_bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const bool is_peer = assignment_.sources[i].kind == planning::SourceKind::peer;
        (is_peer ? result_.peer_bytes : result_.origin_bytes) += bytes[i];
    }
}

// --- the end -------------------------------------------------------------------------------------

void ImageFetch::make_durable() {
    worker_.post(
        [this, alive = is_alive_, image = image_, io = &io_, now = clock_.utc(monotonic_now())] {
            auto synced = image->store->sync();
            if (synced) synced = image->store->mark_used(now);
            boost::asio::post(*io, [this, alive, synced = std::move(synced)] {
                if (!*alive) return;
                if (!synced)
                    return fail({cwmp::FaultCode::download_failure,
                                 "the store failed: " + synced.error().message});
                tell(result_);
            });
        });
}

// Not from inside the fetcher: `then` may destroy it.
void ImageFetch::fail(TransferFault why) {
    boost::asio::post(io_, [this, alive = is_alive_, why = std::move(why)] {
        if (*alive) tell(why);
    });
}

void ImageFetch::tell(Result<FetchResult, TransferFault> result) {
    const auto then = std::exchange(then_, nullptr);
    if (then) then(std::move(result));
}

}  // namespace sluice::agent::management
