#pragma once
// The images of this device while it runs: what is being fetched, what is kept, what neighbours may
// take. Each is a PieceStore with the set of its verified pieces; the peer server gives from them,
// the installer copies out of them. What is kept is in the device state, so that it is served again
// after a reboot, on the same terms and under the same key.
//
// I/O thread, but for what is said to run on the worker.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/cpu_sampler.hpp"
#include "agent/disk/disk.hpp"
#include "agent/management/device_clock.hpp"
#include "agent/management/ledger.hpp"
#include "agent/management/settings.hpp"
#include "agent/peer_server.hpp"
#include "agent/piece_store.hpp"
#include "agent/swarm_link.hpp"
#include "agent/worker.hpp"
#include "engine/image/manifest.hpp"
#include "engine/planning/plan.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::agent::management {

// Kept by shared_ptr: a job on the worker may outlast its place in the library.
struct StoredImage {
    image::Manifest manifest;
    std::string envelope;
    std::unique_ptr<PieceStore> store;
    std::shared_ptr<const image::PieceLayer> layer;  // null until one is proved
    PieceSet verified;
    bool is_served = false;

    bool is_whole() const { return verified.count() == manifest.layout.piece_count(); }
};

class Library {
public:
    // All outlive it.
    Library(boost::asio::io_context& io, disk::Disk& disk, Worker& worker, Ledger& ledger,
            DeviceClock& clock, const Settings& settings, CpuSampler& cpu)
        : io_(io),
          disk_(disk),
          worker_(worker),
          ledger_(ledger),
          clock_(clock),
          settings_(settings),
          cpu_(cpu) {}

    // Binds; on port 0 the port of the last time if it is free, for neighbours have been told.
    Result<void> listen();
    std::string url() const;  // "http://192.168.1.1:7547"; empty: nobody is served
    std::uint16_t port() const { return server_ ? server_->port() : std::uint16_t{0}; }

    // The kept images, opened and hashed one after another, each served once that is done.
    void serve_retained();

    using Then = std::function<void(Result<std::shared_ptr<StoredImage>>)>;
    // Room is made, the folder opened, what is there hashed. An image that is open already is the
    // same object.
    void open(const image::Manifest& manifest, std::string envelope, Then then);

    // Neighbours may take what is verified of it; replaces the terms it was offered on before.
    void offer(const std::shared_ptr<StoredImage>& image, const planning::ServingTerms& terms);
    void layer_known(const StoredImage& image);
    void piece_verified(const StoredImage& image, PieceIndex piece);
    // This device's part in the image's swarm, for as long as the image is given to neighbours;
    // another image's ends. Null when nobody is served. The layer is known; `on_piece` hears of
    // what it brings.
    SwarmLink* join_swarm(const std::shared_ptr<StoredImage>& image,
                          const planning::SwarmTerms& terms,
                          std::function<void(PieceIndex)> on_piece = {});
    // The one it has; null: none.
    SwarmLink* swarm_of(const image::ImageId& id);
    // The image goes on being served for the time of retention, across reboots: by HTTP, and to the
    // swarm of the one that was retained last. Saves nothing.
    void retain(const StoredImage& image, const planning::Assignment& assignment);
    // Withdraws what was kept long enough. True: the device state has changed.
    bool expire();
    // The subscriber's choice: nothing is given while it is off.
    void set_enabled(bool is_enabled);

private:
    Result<std::shared_ptr<StoredImage>> open_on_worker(const image::Manifest& manifest,
                                                        const std::string& envelope, UtcTime now,
                                                        const std::vector<image::ImageId>& in_use);
    void renew(const std::shared_ptr<StoredImage>& image, const image::Manifest& manifest,
               std::string envelope, Then then);
    void serve_next_retained();
    void serve_kept(const std::shared_ptr<StoredImage>& image);
    void swarm_on(const std::shared_ptr<StoredImage>& image, const std::string& terms);
    void serve(const std::shared_ptr<StoredImage>& image, const serving::Key& key,
               const serving::ServerLimits& limits);
    std::vector<image::ImageId> in_use() const;

    boost::asio::io_context& io_;
    disk::Disk& disk_;
    Worker& worker_;
    Ledger& ledger_;
    DeviceClock& clock_;
    const Settings& settings_;
    CpuSampler& cpu_;
    std::unique_ptr<PeerServer> server_;
    bool is_enabled_ = true;
    std::map<image::ImageId, std::shared_ptr<StoredImage>> images_;
    std::optional<image::ImageId> swarm_image_;
    std::unique_ptr<SwarmLink> swarm_;      // of that image; before images_ goes
    std::vector<image::ImageId> to_serve_;  // kept, not opened yet
};

}  // namespace sluice::agent::management
