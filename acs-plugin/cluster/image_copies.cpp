#include "acs-plugin/cluster/image_copies.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "acs-plugin/cluster/image_source.hpp"
#include "acs-plugin/origin/shelf.hpp"

namespace sluice::cluster {
namespace {

constexpr std::size_t kPage = 500;
constexpr std::size_t kMaxNodes = 64;
constexpr auto kTick = std::chrono::milliseconds(500);
constexpr int kStandstill = 20;  // silences without a step, whatever is said: its disk hangs
constexpr auto kLookAgain = std::chrono::seconds(10);
// A new owner's fronts come to it one after the other.
constexpr auto kFirstLook = std::chrono::seconds(1);

}  // namespace

ImageCopies::ImageCopies(boost::asio::io_context& io, std::shared_ptr<SecretTls> tls,
                         origin::Shelf& shelf, Channel& channel, ChannelServer& server,
                         std::string own_address, Log log, Terms terms)
    : io_(io),
      shelf_(shelf),
      channel_(channel),
      server_(server),
      own_address_(std::move(own_address)),
      log_(std::move(log)),
      terms_(terms),
      timer_(io),
      fetcher_(
          io, std::move(tls), shelf, [this](const auto& id, const auto& then) { nodes(id, then); },
          log_) {
    channel_.hear(
        {own_address_, [this] { list(); }, [this](const Message& message) { on_told(message); }});
    server_.give_images([this](const Message& question, const ChannelServer::Reply& reply) {
        give(question, reply);
    });
    arm(kTick);
}

// --- on every node ----------------------------------------------------------------------------

void ImageCopies::give(const Message& question, const ChannelServer::Reply& reply) {
    if (text_of(question, "what") != kReadImage) return reply({{"lacks", true}});
    const auto at = spreads_.find(text_of(question, "id"));
    if (at != spreads_.end()) at->second.last_step = at->second.last_sign = Clock::now();
    boost::asio::post(reader_, [&io = io_, read = read_of(shelf_, question), reply] {
        boost::asio::post(io, [answer = read(), reply]() mutable { reply(std::move(answer)); });
    });
}

// The owner has enough to do: it is the first that is asked only for what it has just been given.
void ImageCopies::nodes(const std::string& id,
                        const std::function<void(std::vector<std::string>)>& then) {
    if (is_owner()) {
        const auto all = addresses();
        return then({all.begin(), all.end()});
    }
    const auto owner = channel_.owner();
    const bool is_new = told_.contains(id);
    channel_.ask({{"what", "nodes"}}, [this, owner, is_new, then](const Message* answer) {
        std::vector<std::string> out;
        if (answer != nullptr && answer->contains("nodes") && (*answer)["nodes"].is_array())
            for (const auto& each : (*answer)["nodes"])
                if (each.is_string() && each != own_address_ && out.size() < kMaxNodes)
                    out.push_back(each.get<std::string>());
        if (!owner.empty()) out.insert(is_new ? out.begin() : out.end(), owner);
        then(std::move(out));
    });
}

void ImageCopies::take(const service::ImageRow& image, bool is_told) {
    auto& under_way = is_told ? told_ : wanted_;
    if (!under_way.insert(image.id).second) return;
    const auto urgency = is_told ? ImageFetcher::Urgency::told : ImageFetcher::Urgency::later;
    fetcher_.keep(image, urgency, [this, id = image.id, is_told](const Result<void>& kept) {
        (is_told ? told_ : wanted_).erase(id);
        if (!kept.has_value()) is_lacking_ = true;
        if (!is_told || is_owner()) return;
        channel_.ask({{"what", "image.kept"},
                      {"id", id},
                      {"at", own_address_},
                      {"why", kept.has_value() ? std::string() : kept.error().message}},
                     [](const Message*) {});
    });
}

void ImageCopies::arm(std::chrono::milliseconds after) {
    timer_.expires_after(after);
    timer_.async_wait([this](boost::system::error_code ec) {
        if (ec) return;
        look_after_spreads();
        look();
        say_here();
        arm(kTick);
    });
}

// What did not come is tried again.
void ImageCopies::look() {
    if (!is_lacking_ || Clock::now() < look_at_) return;
    is_lacking_ = false;
    look_at_ = Clock::now() + kLookAgain;
    if (!is_owner()) return list();
    for (const auto* image : images_())
        if (!shelf_.has(image->id)) take(*image, false);
}

// --- on a front -------------------------------------------------------------------------------

void ImageCopies::on_told(const Message& message) {
    service::ImageRow image;
    if (text_of(message, "tell") == "image" && message.contains("image") &&
        read(message["image"], image)) {
        if (walk_) walk_->insert(image.id);  // the page where it would stand may be read already
        take(image, true);
    }
}

// An owner that hears nothing of a front takes it for dead.
void ImageCopies::say_here() {
    const auto now = Clock::now();
    if (is_owner() || !channel_.is_open() || now < here_at_) return;
    here_at_ = now + terms_.here;
    channel_.ask({{"what", "here"}, {"taking", told_}}, [](const Message*) {});
}

// Page after page; `listed` is what those before had.
void ImageCopies::list(const std::string& after, Listed listed) {
    if (!listed) walk_ = listed = std::make_shared<std::set<std::string>>();
    channel_.ask({{"what", "images"}, {"after", after}}, [this, listed](const Message* answer) {
        if (answer != nullptr) take_list(*answer, listed);
    });
}

void ImageCopies::take_list(const Message& answer, const Listed& listed) {
    const auto list_of = answer.find("images");
    if (list_of == answer.end() || !list_of->is_array() || list_of->size() > kPage) return;
    std::string last;
    bool is_readable = true;
    for (const auto& each : *list_of) {
        service::ImageRow image;
        if (!read(each, image)) {
            is_readable = false;
            continue;
        }
        last = std::max(last, image.id);
        listed->insert(image.id);
        if (!shelf_.has(image.id)) take(image, false);
    }
    if (list_of->size() == kPage && !last.empty()) return list(last, listed);
    // Files that were spread and never published; a young one may be about to be.
    if (!is_readable || !channel_.is_open() || is_owner()) return;
    const auto spreading = answer.find("spreading");
    if (spreading == answer.end() || !spreading->is_array()) return;
    for (const auto& id : *spreading)
        if (id.is_string()) listed->insert(id.get<std::string>());
    const auto gone = shelf_.sweep([&](auto id) { return listed->contains(std::string(id)); });
    if (gone > 0 && log_) log_(std::to_string(gone) + " files that are no published images' went");
}

// --- on the owner -----------------------------------------------------------------------------

void ImageCopies::own(Images images) {
    images_ = std::move(images);
    is_lacking_ = true;
    look_at_ = Clock::now() + kFirstLook;
    alone_from_ = Clock::now() + terms_.company;
}

Message ImageCopies::page_after(const std::string& after) const {
    auto images = images_();
    std::ranges::sort(
        images, {}, [](const auto* each) -> const auto& { return each->id; });
    auto out = Message::array();
    for (const auto* image : images)
        if (image->id > after && out.size() < kPage) out.push_back(to_message(*image));
    return out;
}

// Published in a moment: not to be swept.
Message ImageCopies::spreading() const {
    auto out = Message::array();
    for (const auto& [id, spread] : spreads_) out.push_back(id);
    return out;
}

bool ImageCopies::answer(const Message& question, const ChannelServer::Reply& reply) {
    const auto what = text_of(question, "what");
    if (what == "images")
        reply({{"images", page_after(text_of(question, "after"))}, {"spreading", spreading()}});
    else if (what == "nodes")
        reply({{"nodes", addresses()}});
    else if (what == "here")
        take_signs(question), reply(Message::object());
    else if (what == "image.kept")
        take_report(question), reply(Message::object());
    else
        return false;
    return true;
}

void ImageCopies::spread(const service::ImageRow& image, Done done) {
    auto [at, is_new] = spreads_.try_emplace(image.id);
    auto& spread = at->second;
    spread.done.push_back(std::move(done));
    if (!is_new) return;
    spread.image = image;
    spread.last_step = spread.last_sign = Clock::now();
    look_after_spreads();
}

void ImageCopies::take_report(const Message& question) {
    const auto at = spreads_.find(text_of(question, "id"));
    if (at == spreads_.end()) return;
    const auto why = text_of(question, "why");
    if (!why.empty()) {
        for (const auto& [node, address] : server_.nodes())
            if (address == text_of(question, "at")) at->second.nodes[node] = why;
        return look_after_spreads();
    }
    const auto node = spreads_.extract(at);
    for (const auto& done : node.mapped().done) done(success());
}

void ImageCopies::take_signs(const Message& question) {
    const auto taking = question.find("taking");
    if (taking == question.end() || !taking->is_array()) return;
    for (auto& [id, spread] : spreads_)
        if (std::ranges::find(*taking, Message(id)) != taking->end())
            spread.last_sign = Clock::now();
}

std::set<std::string> ImageCopies::addresses() const {
    std::set<std::string> out;
    for (const auto& [node, address] : server_.nodes()) out.insert(address);
    return out;
}

// Whether nobody else is there, nor expected. Who did not look for long heard nobody meanwhile.
bool ImageCopies::is_alone(bool is_now) {
    const auto now = Clock::now();
    if (!is_now || now - looked_at_ > 4 * kTick) alone_from_ = now + terms_.company;
    looked_at_ = now;
    return now >= alone_from_;
}

// Tells those that were not told, and gives up where nobody is left that may still take it.
void ImageCopies::look_after_spreads() {
    const auto nodes = server_.nodes();
    const bool is_lonely = is_alone(nodes.empty());
    const auto now = Clock::now();
    std::vector<std::pair<std::vector<Done>, Result<void>>> over;
    for (auto at = spreads_.begin(); at != spreads_.end();) {
        auto& [id, spread] = *at;
        std::erase_if(spread.nodes, [&](const auto& each) { return !nodes.contains(each.first); });
        if (spread.nodes.size() < nodes.size()) {
            for (const auto& [node, address] : nodes) spread.nodes.try_emplace(node);
            spread.last_step = spread.last_sign = now;
            server_.tell({{"tell", "image"}, {"image", to_message(spread.image)}});
        }
        const auto failed = std::ranges::find_if(
            spread.nodes, [](const auto& each) { return !each.second.empty(); });
        const bool is_hopeless = std::ranges::all_of(
            spread.nodes, [](const auto& each) { return !each.second.empty(); });
        std::optional<Result<void>> result;
        if (is_lonely)
            result = success();
        else if (nodes.empty())
            spread.last_step = spread.last_sign = now;
        else if (is_hopeless)
            result = Error{"no other node takes a copy: " + failed->second};
        else if (now - spread.last_sign > terms_.silence ||
                 now - spread.last_step > kStandstill * terms_.silence)
            result = Error{"no other node takes a copy in time"};
        if (is_lonely && log_) log_("image " + id + " is on this node alone");
        if (result) over.emplace_back(std::move(spread.done), std::move(*result));
        at = result ? spreads_.erase(at) : std::next(at);
    }
    for (const auto& [dones, result] : over)
        for (const auto& done : dones) done(result);
}

}  // namespace sluice::cluster
