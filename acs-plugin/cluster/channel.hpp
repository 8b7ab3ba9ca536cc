#pragma once
// The internal channel from a node to the one that owns the store: questions with answers, over one
// connection at a time (link.hpp, secret_tls.hpp). Asked in order, answered in any. Where there is
// no owner, or its connection breaks, every question is answered with nothing: who asked is told
// "away". On one io_context's thread.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "acs-plugin/cluster/messages.hpp"
#include "engine/net/listen_address.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::cluster {

class SecretTls;
using Log = std::function<void(const std::string& line)>;
inline constexpr std::chrono::seconds kPatience{20};
// A front that said nothing for so long counts as away; each says something every two seconds.
inline constexpr std::chrono::milliseconds kPresence{8000};

// The asking side.
class Channel {
public:
    using Answer = std::function<void(const Message* answer)>;  // null: away

    // A question that waits for `patience` was asked of a node that is gone.
    Channel(boost::asio::io_context& io, std::shared_ptr<SecretTls> tls, Log log,
            std::chrono::milliseconds patience = kPatience);
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    // "host:port"; empty: nobody owns it now. Another address ends what is under way.
    void set_owner(const std::string& address);
    std::string owner() const;
    bool is_open() const;
    // Before the first owner.
    struct Hearing {
        std::string own_address;                           // where others dial this node for images
        std::function<void()> opened;                      // the connection to an owner is there
        std::function<void(const Message& message)> told;  // what the owner says unasked
    };
    void hear(Hearing hearing);
    void ask(Message question, Answer answer);
    // A connection to the owner's REST API: what `client` sends goes there, and back. `client` is a
    // connected socket, closed in the end; at once where its address or all have too many. `peer`
    // is the address behind it, which the owner takes for that of its own client.
    void tunnel(int client, const std::string& peer);

    struct Impl;

private:
    std::shared_ptr<Impl> impl_;
};

// The answering side: takes questions on every node, and answers them on the owner.
class ChannelServer {
public:
    using Reply = std::function<void(Message)>;
    using Question = std::function<void(const Message& question, Reply reply)>;

    static Result<std::unique_ptr<ChannelServer>> start(
        boost::asio::io_context& io, std::shared_ptr<SecretTls> tls,
        const net::ListenAddress& listen, Log log, std::chrono::milliseconds presence = kPresence);
    ~ChannelServer();
    ChannelServer(const ChannelServer&) = delete;
    ChannelServer& operator=(const ChannelServer&) = delete;

    std::uint16_t port() const;
    // Takes an operator's connection to the API from another node: a socket, which it owns, and the
    // address of who is behind it, as that node saw it.
    using ApiVisit = std::function<void(int socket, const std::string& peer)>;
    // From now on this node is the owner.
    void own(Question question, ApiVisit visit);
    // On every node, the owner or not: who answers for the images that are here.
    void give_images(Question question);

    // On the owner: the other nodes that are there, by their connections; each with the address
    // where it gives images. A number never comes back.
    std::map<std::uint64_t, std::string> nodes() const;
    // To all of them, unasked.
    void tell(const Message& message);

    struct Impl;

private:
    explicit ChannelServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::cluster
