#include "acs-plugin/cluster/channel.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <nlohmann/json.hpp>

#include "acs-plugin/cluster/dial.hpp"
#include "acs-plugin/cluster/line.hpp"
#include "acs-plugin/cluster/splice.hpp"
#include "engine/net/address_share.hpp"

namespace sluice::cluster {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto kRedialAfter = std::chrono::milliseconds(100);
// As many as the API takes connections, and then some that it turns away.
constexpr std::size_t kMaxTunnels = 256, kMaxTunnelsOfOne = 64;

}  // namespace

struct Channel::Impl : std::enable_shared_from_this<Impl> {
    Impl(asio::io_context& i, std::shared_ptr<SecretTls> t, Log l, std::chrono::milliseconds p)
        : io(i), tls(std::move(t)), log(std::move(l)), patience(p), redial(i) {}

    void set_owner(const std::string& address);
    void call();
    void take_link(std::unique_ptr<Stream> stream);
    void lose(const std::string& why);
    std::shared_ptr<void> tunnel_of(const std::string& peer);

    asio::io_context& io;
    const std::shared_ptr<SecretTls> tls;
    const Log log;
    const std::chrono::milliseconds patience;
    asio::steady_timer redial;
    std::string owner;
    std::uint64_t round = 0;  // of dialling: late ends of an older one mean nothing
    Hearing hearing;
    std::shared_ptr<Line> line;
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
    dial(io, tls, owner, {kForDesk, {}, hearing.own_address},
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
    line = std::make_shared<Line>(io, std::move(stream), patience);
    line->start({[weak = weak_from_this(), raw = line.get()](const std::string& why) {
                     const auto self = weak.lock();
                     if (!self || self->line.get() != raw) return;
                     self->lose(why);
                     if (!self->owner.empty()) self->call();
                 },
                 [weak = weak_from_this()](const Message& message) {
                     const auto self = weak.lock();
                     if (self && self->hearing.told) self->hearing.told(message);
                 }});
    if (hearing.opened) hearing.opened();
}

void Channel::Impl::lose(const std::string& why) {
    ++round;
    redial.cancel();
    if (!line) return;
    const auto lost = std::exchange(line, nullptr);
    if (log) log("the owner of the store is away: " + why);
    lost->close();
}

Channel::Channel(asio::io_context& io, std::shared_ptr<SecretTls> tls, Log log,
                 std::chrono::milliseconds patience)
    : impl_(std::make_shared<Impl>(io, std::move(tls), std::move(log), patience)) {}

Channel::~Channel() {
    ++impl_->round;
    impl_->line.reset();
}

void Channel::set_owner(const std::string& address) {
    impl_->set_owner(address);
}

bool Channel::is_open() const {
    return impl_->line != nullptr;
}

void Channel::ask(Message question, Answer answer) {
    if (!impl_->line) return answer(nullptr);
    impl_->line->ask(std::move(question), std::move(answer));
}

void Channel::hear(Hearing hearing) {
    impl_->hearing = std::move(hearing);
}

std::string Channel::owner() const {
    return impl_->owner;
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
    dial(io, impl_->tls, impl_->owner, {kForApi, peer, {}},
         [socket, held = std::move(held)](std::unique_ptr<Stream> stream, const std::string&) {
             if (stream) splice(std::move(*socket), std::move(stream), held);
         });
}

}  // namespace sluice::cluster
