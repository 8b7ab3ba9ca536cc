#include "acs-plugin/cluster/channel.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <nlohmann/json.hpp>

#include "acs-plugin/cluster/dial.hpp"
#include "acs-plugin/cluster/splice.hpp"
#include "engine/net/address_share.hpp"

namespace sluice::cluster {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto kRedialAfter = std::chrono::milliseconds(100);
constexpr std::size_t kMaxQuestions = 65'536;
// As many as the API takes connections, and then some that it turns away.
constexpr std::size_t kMaxTunnels = 256, kMaxTunnelsOfOne = 64;
// An owner that waits for its store answers late; one that says nothing for so long is gone.
constexpr auto kPatience = std::chrono::seconds(20);

}  // namespace

struct Channel::Impl : std::enable_shared_from_this<Impl> {
    Impl(asio::io_context& i, std::shared_ptr<SecretTls> t, Log l)
        : io(i), tls(std::move(t)), log(std::move(l)), redial(i), patience(i) {}

    void set_owner(const std::string& address);
    void call();
    void take_link(std::unique_ptr<Stream> stream);
    void take(const std::string& frame);
    void lose(const std::string& why);
    void watch();
    std::shared_ptr<void> tunnel_of(const std::string& peer);

    struct Asked {
        Answer answer;
        std::chrono::steady_clock::time_point since;
    };

    asio::io_context& io;
    const std::shared_ptr<SecretTls> tls;
    const Log log;
    asio::steady_timer redial, patience;
    std::string owner;
    std::uint64_t round = 0;  // of dialling: late ends of an older one mean nothing
    std::shared_ptr<Link> link;
    std::uint64_t next_id = 1;
    std::map<std::uint64_t, Asked> asked;
    std::string complaint;                       // the last, so that it is said once
    std::map<std::string, std::size_t> tunnels;  // by address
    std::size_t tunnels_in_all = 0;
};

void Channel::Impl::set_owner(const std::string& address) {
    if (address == owner) return;
    owner = address;
    lose("another node owns the store now");
    if (!owner.empty()) call();
}

void Channel::Impl::call() {
    dial(io, tls, owner, {kForDesk},
         [weak = weak_from_this(), mine = ++round](std::unique_ptr<Stream> stream,
                                                   const std::string& why) {
             const auto self = weak.lock();
             if (!self || mine != self->round) return;
             if (stream) return self->take_link(std::move(stream));
             if (self->log && self->complaint != why)
                 self->log("the node at " + self->owner + ": " + why);
             self->complaint = why;
             self->redial.expires_after(kRedialAfter);
             self->redial.async_wait([weak, mine](boost::system::error_code ec) {
                 const auto again = weak.lock();
                 if (!ec && again && mine == again->round && !again->owner.empty()) again->call();
             });
         });
}

void Channel::Impl::take_link(std::unique_ptr<Stream> stream) {
    complaint.clear();
    link = std::make_shared<Link>(std::move(stream));
    link->start({[weak = weak_from_this()](const std::string& frame) {
                     if (const auto self = weak.lock()) self->take(frame);
                 },
                 [weak = weak_from_this(), raw = link.get()](const std::string& why) {
                     const auto self = weak.lock();
                     if (!self || self->link.get() != raw) return;
                     self->lose(why);
                     if (!self->owner.empty()) self->call();
                 }});
    watch();
}

void Channel::Impl::take(const std::string& frame) {
    const auto message = from_frame(frame);
    if (!message) return;
    const auto at = asked.find(number_of(*message, "answer"));
    if (at == asked.end()) return;
    const auto answer = std::move(at->second.answer);
    asked.erase(at);
    answer(is_on(*message, "away") ? nullptr : &*message);
}

void Channel::Impl::lose(const std::string& why) {
    ++round;
    redial.cancel();
    if (link) {
        link->close();
        link.reset();
        if (log) log("the owner of the store is away: " + why);
    }
    auto all = std::exchange(asked, {});
    for (auto& [id, each] : all) each.answer(nullptr);
}

void Channel::Impl::watch() {
    patience.expires_after(std::chrono::seconds(1));
    patience.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
        const auto self = weak.lock();
        if (ec || !self || !self->link) return;
        const auto now = std::chrono::steady_clock::now();
        if (!self->asked.empty() && now - self->asked.begin()->second.since > kPatience) {
            self->lose("it does not answer");
            if (!self->owner.empty()) self->call();
            return;
        }
        self->watch();
    });
}

Channel::Channel(asio::io_context& io, std::shared_ptr<SecretTls> tls, Log log)
    : impl_(std::make_shared<Impl>(io, std::move(tls), std::move(log))) {}

Channel::~Channel() {
    ++impl_->round;
    if (impl_->link) impl_->link->close();
}

void Channel::set_owner(const std::string& address) {
    impl_->set_owner(address);
}

bool Channel::is_open() const {
    return impl_->link != nullptr;
}

void Channel::ask(Message question, Answer answer) {
    auto& it = *impl_;
    if (!it.link || it.asked.size() >= kMaxQuestions) return answer(nullptr);
    const auto id = it.next_id++;
    question["ask"] = id;
    it.asked.emplace(id, Impl::Asked{std::move(answer), std::chrono::steady_clock::now()});
    it.link->send(to_frame(question));
}

// What a tunnel holds while it is there; null: there are too many.
std::shared_ptr<void> Channel::Impl::tunnel_of(const std::string& peer) {
    const auto whose = net::counted_as(peer);
    if (tunnels_in_all >= kMaxTunnels || tunnels[whose] >= kMaxTunnelsOfOne) return nullptr;
    ++tunnels_in_all;
    ++tunnels[whose];
    return {this, [weak = weak_from_this(), whose](void*) {
                const auto self = weak.lock();
                if (!self) return;
                --self->tunnels_in_all;
                if (--self->tunnels[whose] == 0) self->tunnels.erase(whose);
            }};
}

void Channel::tunnel(int client, const std::string& peer) {
    auto& io = impl_->io;
    const auto family = peer.find(':') == peer.npos ? tcp::v4() : tcp::v6();
    auto socket = std::make_shared<std::unique_ptr<tcp::socket>>(
        std::make_unique<tcp::socket>(io, family, client));
    if (impl_->owner.empty()) return;
    auto held = impl_->tunnel_of(peer);
    if (!held) return;
    dial(io, impl_->tls, impl_->owner, {kForApi, peer},
         [socket, held = std::move(held)](std::unique_ptr<Stream> stream, const std::string&) {
             if (stream) splice(std::move(*socket), std::move(stream), held);
         });
}

}  // namespace sluice::cluster
