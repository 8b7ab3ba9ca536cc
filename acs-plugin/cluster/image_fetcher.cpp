#include "acs-plugin/cluster/image_fetcher.hpp"

#include <algorithm>
#include <utility>

#include "acs-plugin/origin/shelf.hpp"

namespace sluice::cluster {
namespace {

constexpr std::size_t kAtATime = 2;
constexpr std::size_t kAtATimeForDevices = 4;
constexpr std::size_t kAtATimeToPublish = 5;
constexpr std::size_t kMaxImages = 4096;
// A device holds its connection so long; then it is told to come again.
constexpr auto kHold = std::chrono::seconds(8);
constexpr auto kLook = std::chrono::milliseconds(500);

std::size_t most_of(ImageFetcher::Urgency urgency) {
    if (urgency == ImageFetcher::Urgency::told) return kAtATimeToPublish;
    return urgency == ImageFetcher::Urgency::asked_for ? kAtATimeForDevices : kAtATime;
}

}  // namespace

ImageFetcher::ImageFetcher(boost::asio::io_context& io, std::shared_ptr<SecretTls> tls,
                           origin::Shelf& shelf, Nodes nodes, Log log)
    : parts_{io, worker_, std::move(tls), shelf.folder(), std::move(nodes), std::move(log)},
      shelf_(shelf),
      timer_(io) {}

ImageFetcher::~ImageFetcher() {
    for (auto& [id, each] : all_)
        if (each.fetch) each.fetch->close();
    worker_.stop();  // what is half-done is taken up by the next process
    worker_.join();
}

std::shared_ptr<const origin::Coming> ImageFetcher::coming(std::string_view id) const {
    const auto at = all_.find(id);
    return at == all_.end() || !at->second.fetch ? nullptr : at->second.fetch->coming();
}

// Its turn comes by the most urgent of those that want it, among equals by who came first.
ImageFetcher::Each& ImageFetcher::each_of(const service::ImageRow& image, Urgency urgency) {
    auto [at, is_new] = all_.try_emplace(image.id);
    auto& each = at->second;
    if (is_new) each.wanted = {image.id, image.length, image.is_firmware ? image.piece_length : 0};
    if (each.fetch || (!is_new && urgency >= each.turn.first)) return each;
    turns_.erase(each.turn);
    each.turn = {urgency, ++last_turn_};
    turns_.emplace(each.turn, image.id);
    return each;
}

void ImageFetcher::bring(const service::ImageRow& image, std::function<void(bool)> there) {
    if (shelf_.has(image.id) || coming(image.id)) return there(true);
    if (all_.size() >= kMaxImages && !all_.contains(image.id)) return there(false);
    auto& each = each_of(image, Urgency::asked_for);
    each.waiters.push_back({std::move(there), std::chrono::steady_clock::now() + kHold});
    arm();
    start_some();
}

// One under way has its name before that name is durable: it is waited for.
void ImageFetcher::keep(const service::ImageRow& image, Urgency urgency, Done done) {
    const bool is_under_way = all_.contains(image.id);
    if (!is_under_way && shelf_.has(image.id)) return done(success());
    if (!is_under_way && all_.size() >= kMaxImages)
        return done(Error{"too many images are on their way"});
    each_of(image, urgency).keepers.push_back(std::move(done));
    start_some();
}

void ImageFetcher::start_some() {
    while (!turns_.empty() && running_ < most_of(turns_.begin()->first.first)) {
        const auto at = all_.find(turns_.begin()->second);
        turns_.erase(turns_.begin());
        start(at->first, at->second);
    }
}

void ImageFetcher::start(const std::string& id, Each& each) {
    ++running_;
    each.fetch = std::make_shared<ImageFetch>(
        parts_, each.wanted,
        ImageFetch::Events{[this, id] { step(id); },
                           [this, id](const Result<void>& result) { end(id, result); }});
    each.fetch->start();
}

// The first bytes are there: who waits for them reads on by itself.
void ImageFetcher::step(const std::string& id) {
    const auto at = all_.find(id);
    if (at == all_.end()) return;
    for (auto& waiter : std::exchange(at->second.waiters, {})) waiter.there(true);
    if (stepped_) stepped_(id);
}

void ImageFetcher::end(const std::string& id, const Result<void>& result) {
    auto node = all_.extract(id);
    --running_;
    if (!result.has_value() && parts_.log)
        parts_.log("image " + id + " cannot be had: " + result.error().message);
    auto& each = node.mapped();
    for (auto& waiter : each.waiters) waiter.there(result.has_value());
    if (stepped_) stepped_(id);
    for (auto& done : each.keepers) done(result);
    start_some();
}

void ImageFetcher::arm() {
    if (std::exchange(is_armed_, true)) return;
    timer_.expires_after(kLook);
    timer_.async_wait([this](boost::system::error_code ec) {
        if (ec) return;
        is_armed_ = false;
        send_the_patient_away();
    });
}

void ImageFetcher::send_the_patient_away() {
    const auto now = std::chrono::steady_clock::now();
    std::vector<Waiter> gone;
    bool is_left = false;
    for (auto& [id, each] : all_) {
        const auto first = std::ranges::partition(
            each.waiters, [now](const Waiter& waiter) { return now < waiter.until; });
        std::ranges::move(first, std::back_inserter(gone));
        each.waiters.erase(first.begin(), first.end());
        is_left |= !each.waiters.empty();
    }
    if (is_left) arm();
    for (auto& waiter : gone) waiter.there(false);
}

}  // namespace sluice::cluster
