#include "acs-plugin/cluster/image_fetch.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "acs-plugin/cluster/dial.hpp"
#include "acs-plugin/cluster/image_source.hpp"

namespace sluice::cluster {
namespace {

namespace asio = boost::asio;

constexpr int kRounds = 5;
constexpr auto kBetweenRounds = std::chrono::seconds(1);

// Of an answer; none: it lacks the image, or says something else.
std::optional<Bytes> bytes_of(const Message& answer, std::uint64_t wanted) {
    const auto at = answer.find("bytes");
    if (at == answer.end() || !at->is_binary()) return std::nullopt;
    const Bytes& out = at->get_binary();
    if (out.size() != wanted) return std::nullopt;
    return out;
}

}  // namespace

ImageFetch::ImageFetch(const FetchParts& parts, origin::Wanted wanted, Events events)
    : parts_(parts), wanted_(std::move(wanted)), events_(std::move(events)), pause_(parts.io) {}

// `work` with the arrival, there; `then` with what came of it, here.
template <class Work, class Then>
void ImageFetch::on_worker(Work work, Then then) {
    asio::post(parts_.worker, [self = shared_from_this(), arrival = arrival_, &io = parts_.io,
                               work = std::move(work), then = std::move(then)]() mutable {
        auto result = work(arrival.get());
        asio::post(io, [self = std::move(self), then = std::move(then),
                        result = std::move(result)]() mutable {
            if (!self->is_over_) then(std::move(result));
        });
    });
}

void ImageFetch::start() {
    on_worker([folder = parts_.folder, wanted = wanted_](
                  origin::Arrival*) { return origin::Arrival::open(folder, wanted); },
              [this](Result<std::unique_ptr<origin::Arrival>> opened) {
                  if (!opened.has_value()) return end(std::move(opened).error());
                  arrival_ = std::move(opened).value();
                  read_back();
              });
}

void ImageFetch::close() {
    is_over_ = true;
    pause_.cancel();
    if (line_) line_->close();
    line_.reset();
    if (coming_) coming_->is_over = true;
}

void ImageFetch::end(Result<void> result) {
    if (is_over_) return;
    const auto keep = shared_from_this();
    close();
    events_.over(std::move(result));
}

void ImageFetch::read_back() {
    on_worker([](origin::Arrival* arrival) { return arrival->read_back(); },
              [this](const Result<bool>& read) {
                  if (!read.has_value()) return end(read.error());
                  if (!read.value()) return read_back();
                  show();
                  if (arrival_->received() == wanted_.length) return go_on();  // but for its name
                  next_round();
              });
}

void ImageFetch::next_round() {
    if (++rounds_ > kRounds) return end(Error{why_.empty() ? "no node has it" : why_});
    parts_.nodes(wanted_.id, [weak = weak_from_this()](std::vector<std::string> nodes) {
        const auto self = weak.lock();
        if (!self || self->is_over_) return;
        self->others_.assign(nodes.rbegin(), nodes.rend());
        self->dial_next();
    });
}

void ImageFetch::dial_next() {
    if (others_.empty()) {
        pause_.expires_after(kBetweenRounds);
        pause_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
            const auto self = weak.lock();
            if (!ec && self && !self->is_over_) self->next_round();
        });
        return;
    }
    at_ = std::move(others_.back());
    others_.pop_back();
    dial(parts_.io, parts_.tls, at_, {kForImages, {}, {}},
         [weak = weak_from_this()](std::unique_ptr<Stream> stream, const std::string& why) {
             const auto self = weak.lock();
             if (!self || self->is_over_) return;
             if (!stream) return self->leave(why);
             self->line_ = std::make_shared<Line>(self->parts_.io, std::move(stream), kPatience);
             self->line_->start({[](const std::string&) {}});  // what was asked is answered
             self->go_on();
         });
}

// The next thing that is wanted of the node that we talk to.
void ImageFetch::go_on() {
    if (const auto length = arrival_->wanted_of_layer(); length > 0)
        return ask_for(true, layer_.size(), length - layer_.size());
    const auto from = arrival_->received();
    if (from < wanted_.length) return ask_for(false, from, wanted_.length - from);
    on_worker([](origin::Arrival* arrival) { return arrival->finish(); },
              [this](const Result<void, Fault>& finished) {
                  if (!finished.has_value()) return judge(finished);
                  show();
                  end(success());
              });
}

void ImageFetch::ask_for(bool is_layer, std::uint64_t from, std::uint64_t count) {
    count = std::min<std::uint64_t>(count, kPortion);
    line_->ask({{"what", kReadImage},
                {"id", wanted_.id},
                {"layer", is_layer},
                {"from", from},
                {"count", count}},
               [weak = weak_from_this(), is_layer, count](const Message* answer) {
                   const auto self = weak.lock();
                   if (!self || self->is_over_) return;
                   if (answer == nullptr) return self->leave("it does not answer");
                   auto bytes = bytes_of(*answer, count);
                   if (!bytes) return self->leave("it has not what was asked for");
                   is_layer ? self->take_layer(*bytes) : self->take_portion(std::move(*bytes));
               });
}

void ImageFetch::take_layer(const Bytes& bytes) {
    layer_.insert(layer_.end(), bytes.begin(), bytes.end());
    if (layer_.size() < arrival_->wanted_of_layer()) return go_on();
    on_worker([raw = std::exchange(layer_, {})](
                  origin::Arrival* arrival) { return arrival->take_layer(raw); },
              [this](const Result<void, Fault>& taken) { judge(taken); });
}

void ImageFetch::take_portion(Bytes bytes) {
    on_worker(
        [bytes = std::move(bytes)](origin::Arrival* arrival) { return arrival->append(bytes); },
        [this](const Result<void, Fault>& taken) { judge(taken); });
}

void ImageFetch::judge(const Result<void, Fault>& taken) {
    show();
    if (taken.has_value()) {
        if (arrival_->verified() > 0) rounds_ = 0;
        return go_on();
    }
    if (!taken.error().is_givers) return end(Error{taken.error().why});
    if (parts_.log) parts_.log("image " + wanted_.id + " from " + at_ + ": " + taken.error().why);
    leave(taken.error().why);
}

// What may be read of it by now: nothing, until its first bytes are verified. A device that had a
// 200 and then nothing would count a download that failed.
void ImageFetch::show() {
    if (!coming_ && wanted_.piece_length != 0 && arrival_->verified() > 0) {
        auto file = arrival_->file();
        if (!file.has_value()) return;
        coming_ = std::make_shared<origin::Coming>();
        coming_->id = wanted_.id;
        coming_->file = std::move(file).value();
    }
    if (!coming_) return;
    coming_->verified = arrival_->verified();
    events_.stepped();
}

void ImageFetch::leave(const std::string& why) {
    why_ = at_ + ": " + why;
    layer_.clear();
    if (const auto line = std::exchange(line_, nullptr)) line->close();
    if (!is_over_) dial_next();
}

}  // namespace sluice::cluster
