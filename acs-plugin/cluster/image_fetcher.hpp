#pragma once
// Images from other nodes (image_fetch.hpp): each fetched once, however many ask; a few at a time,
// those first that an operator waits for, then those that devices wait for. On the io_context's
// thread.

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "acs-plugin/cluster/image_fetch.hpp"
#include "acs-plugin/origin/supply.hpp"

namespace sluice::cluster {

class ImageFetcher final : public origin::Supply {
public:
    using Nodes =
        std::function<void(const std::string&, std::function<void(std::vector<std::string>)>)>;
    using Done = std::function<void(Result<void>)>;
    enum class Urgency : std::uint8_t { told, asked_for, later };  // who publishes waits; a device

    // As FetchParts; all outlive it.
    ImageFetcher(boost::asio::io_context& io, std::shared_ptr<SecretTls> tls, origin::Shelf& shelf,
                 Nodes nodes, Log log);
    ~ImageFetcher() override;

    void bring(const service::ImageRow& image, std::function<void(bool)> there) override;
    std::shared_ptr<const origin::Coming> coming(std::string_view id) const override;
    void watch(std::function<void(const std::string& id)> stepped) override {
        stepped_ = std::move(stepped);
    }
    // For the shelf. `done` when it is there, whole and durable.
    void keep(const service::ImageRow& image, Urgency urgency, Done done);

private:
    using Turn = std::pair<Urgency, std::uint64_t>;
    struct Waiter {
        std::function<void(bool)> there;
        std::chrono::steady_clock::time_point until;
    };
    struct Each {
        origin::Wanted wanted;
        std::shared_ptr<ImageFetch> fetch;  // null: its turn has not come
        Turn turn;                          // while it waits
        std::vector<Waiter> waiters;
        std::vector<Done> keepers;
    };
    Each& each_of(const service::ImageRow& image, Urgency urgency);
    void start_some();
    void start(const std::string& id, Each& each);
    void step(const std::string& id);
    void end(const std::string& id, const Result<void>& result);
    void arm();
    void send_the_patient_away();

    boost::asio::thread_pool worker_{1};
    const FetchParts parts_;
    origin::Shelf& shelf_;
    std::function<void(const std::string&)> stepped_;
    std::map<std::string, Each, std::less<>> all_;
    std::map<Turn, std::string> turns_;  // of those that wait
    std::uint64_t last_turn_ = 0;
    std::size_t running_ = 0;
    boost::asio::steady_timer timer_;
    bool is_armed_ = false;
};

}  // namespace sluice::cluster
