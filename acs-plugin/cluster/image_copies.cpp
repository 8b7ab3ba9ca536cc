#include "acs-plugin/cluster/image_copies.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "acs-plugin/cluster/image_source.hpp"
#include "acs-plugin/origin/shelf.hpp"

namespace sluice::cluster {
namespace {

constexpr std::size_t kPage = 500;
constexpr std::size_t kMaxNodes = 64;
constexpr auto kTick = std::chrono::milliseconds(500);
constexpr auto kLookAgain = std::chrono::seconds(10);
// A new owner's fronts come to it one after the other.
constexpr auto kFirstLook = std::chrono::seconds(1);

}  // namespace

ImageCopies::ImageCopies(boost::asio::io_context& io, std::shared_ptr<SecretTls> tls,
                         origin::Shelf& shelf, Channel& channel, ChannelServer& server,
                         std::string own_address, Log log, Terms terms)
    : shelf_(shelf),
      channel_(channel),
      server_(server),
      own_address_(std::move(own_address)),
      log_(std::move(log)),
      terms_(terms),
      timer_(io),
      fetcher_(
          io, std::move(tls), shelf, [this](const auto& then) { nodes(then); }, log_) {
    channel_.hear(
        {own_address_, [this] { list({}); }, [this](const Message& message) { on_told(message); }});
    server_.give_images([this](const Message& question, const ChannelServer::Reply& reply) {
        give(question, reply);
    });
    arm(kTick);
}

// --- on every node ----------------------------------------------------------------------------

void ImageCopies::give(const Message& question, const ChannelServer::Reply& reply) {
    if (text_of(question, "what") != kReadImage) return reply({{"lacks", true}});
    const auto at = spreads_.find(text_of(question, "id"));
    if (at != spreads_.end()) at->second.last_sign = Clock::now();
    answer_read(shelf_, question, reply);
}

void ImageCopies::nodes(const std::function<void(std::vector<std::string>)>& then) {
    if (is_owner()) return then(server_.nodes());
    const auto owner = channel_.owner();
    channel_.ask({{"what", "nodes"}}, [this, owner, then](const Message* answer) {
        std::vector<std::string> out;
        if (!owner.empty()) out.push_back(owner);
        if (answer != nullptr && answer->contains("nodes") && (*answer)["nodes"].is_array())
            for (const auto& each : (*answer)["nodes"])
                if (each.is_string() && each != own_address_ && out.size() < kMaxNodes)
                    out.push_back(each.get<std::string>());
        then(std::move(out));
    });
}

void ImageCopies::take(const service::ImageRow& image, bool is_to_be_reported) {
    fetcher_.keep(image, [this, id = image.id, is_to_be_reported](const Result<void>& kept) {
        if (!kept.has_value()) is_lacking_ = true;
        if (!is_to_be_reported || is_owner()) return;
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
        arm(kTick);
    });
}

// What did not come is tried again.
void ImageCopies::look() {
    if (!is_lacking_ || Clock::now() < look_at_) return;
    is_lacking_ = false;
    look_at_ = Clock::now() + kLookAgain;
    if (!is_owner()) return list({});
    for (const auto* image : images_())
        if (!shelf_.has(image->id)) take(*image, false);
}

// --- on a front -------------------------------------------------------------------------------

void ImageCopies::on_told(const Message& message) {
    service::ImageRow image;
    if (text_of(message, "tell") == "image" && message.contains("image") &&
        read(message["image"], image))
        take(image, true);
}

void ImageCopies::list(const std::string& after) {
    channel_.ask({{"what", "images"}, {"after", after}}, [this](const Message* answer) {
        if (answer != nullptr) take_list(*answer);
    });
}

void ImageCopies::take_list(const Message& answer) {
    const auto list_of = answer.find("images");
    if (list_of == answer.end() || !list_of->is_array() || list_of->size() > kPage) return;
    std::string last;
    for (const auto& each : *list_of) {
        service::ImageRow image;
        if (!read(each, image)) continue;
        last = std::max(last, image.id);
        if (!shelf_.has(image.id)) take(image, false);
    }
    if (list_of->size() == kPage && !last.empty()) list(last);
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

bool ImageCopies::answer(const Message& question, const ChannelServer::Reply& reply) {
    const auto what = text_of(question, "what");
    if (what == "images")
        reply({{"images", page_after(text_of(question, "after"))}});
    else if (what == "nodes")
        reply({{"nodes", server_.nodes()}});
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
    spread.last_sign = Clock::now();
    look_after_spreads();
}

void ImageCopies::take_report(const Message& question) {
    const auto at = spreads_.find(text_of(question, "id"));
    if (at == spreads_.end()) return;
    const auto why = text_of(question, "why");
    if (!why.empty()) {
        at->second.nodes[text_of(question, "at")] = why;
        return look_after_spreads();
    }
    const auto node = spreads_.extract(at);
    for (const auto& done : node.mapped().done) done(success());
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
        std::erase_if(spread.nodes, [&](const auto& each) {
            return std::ranges::find(nodes, each.first) == nodes.end();
        });
        if (spread.nodes.size() < nodes.size()) {
            for (const auto& node : nodes) spread.nodes.try_emplace(node);
            spread.last_sign = now;
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
            spread.last_sign = now;
        else if (is_hopeless)
            result = Error{"no other node takes a copy: " + failed->second};
        else if (now - spread.last_sign > terms_.silence)
            result = Error{"no other node takes a copy in time"};
        if (is_lonely && log_) log_("image " + id + " is on this node alone");
        if (result) over.emplace_back(std::move(spread.done), std::move(*result));
        at = result ? spreads_.erase(at) : std::next(at);
    }
    for (const auto& [dones, result] : over)
        for (const auto& done : dones) done(result);
}

}  // namespace sluice::cluster
