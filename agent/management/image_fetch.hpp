#pragma once
// One image on its way into the store: the fetcher's listener while bytes come, served on to
// neighbours piece by piece, and at the end whole, verified and durable. order_runner starts one at
// a time.
//
// I/O thread.

#include <functional>
#include <memory>
#include <string>

#include "agent/fetcher.hpp"
#include "agent/management/library.hpp"
#include "agent/management/transfer_fault.hpp"
#include "agent/report_file.hpp"
#include "agent/sync_thread.hpp"

namespace sluice::agent::management {

struct FetchResult {
    std::shared_ptr<StoredImage> image;
    std::uint64_t peer_bytes = 0, origin_bytes = 0;
};

class ImageFetch final : private FetchListener {
public:
    using Then = std::function<void(Result<FetchResult, TransferFault>)>;

    // All outlive it, and `then` is the last it says.
    ImageFetch(boost::asio::io_context& io, Worker& worker, Library& library, net::ClientTls& tls,
               DeviceClock& clock, ReportFile& report, planning::Assignment assignment,
               const std::string& local_address, Then then);
    ~ImageFetch() override;

    // `image` is of the Assignment and its manifest; what it holds is not fetched again.
    void start(const std::shared_ptr<StoredImage>& image);

private:
    void make_durable();
    void fail(TransferFault why);
    void tell(Result<FetchResult, TransferFault> result);
    void count_bytes();
    void join_swarm();
    SwarmLink* swarm();  // null: none

    void on_layer(SourceIndex source, const image::PieceLayer& layer) override;
    void on_request(RequestId id, SourceIndex source, PieceRun run, std::size_t found) override;
    void on_piece(PieceIndex piece, SourceIndex source) override;
    void on_left(SourceIndex source, transfer::Parting why) override;
    void on_banned(SourceIndex source, PieceIndex piece) override;
    void on_trouble(SourceIndex source, const std::string& why) override;
    void on_finished() override;
    void on_given_up(transfer::Failure why, const std::string& detail) override;

    boost::asio::io_context& io_;
    Worker& worker_;
    Library& library_;
    net::ClientTls& tls_;
    DeviceClock& clock_;
    ReportFile& report_;
    const planning::Assignment assignment_;
    const std::string local_address_;
    Then then_;
    std::shared_ptr<StoredImage> image_;
    std::unique_ptr<SyncThread> sync_;
    std::unique_ptr<Fetcher> fetcher_;
    FetchResult result_;
    bool has_stalled_ = false;  // the last source left was silent or starving
    std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);  // for what is posted
};

}  // namespace sluice::agent::management
