#pragma once
// One session of one emulated CPE on the wire: engine/cwmp's CpeSession over an HttpClient. One TCP
// connection, its cookies, redirects followed. What is asked is the listener's to answer.
//
// Single-threaded.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "engine/cwmp/cpe_session.hpp"
#include "engine/net/acs_conversation.hpp"
#include "engine/net/client_auth.hpp"
#include "engine/net/http_client.hpp"
#include "sim/fleet/device.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::sim::fleet {

// What kind of failure, in a word or two for counting, and whether another node might do better.
struct SessionTrouble {
    std::string kind, why;
    bool is_node_gone = false;
};

class SessionListener {
public:
    virtual ~SessionListener() = default;
    virtual cwmp::Message execute(DeviceNumber device, const cwmp::Message& request) = 0;
    virtual void inform_delivered(DeviceNumber device) = 0;
    virtual void transfer_delivered(DeviceNumber device, const std::string& command_key) = 0;
    // The last call. `this` may not be destroyed from inside.
    virtual void session_over(DeviceNumber device, const cwmp::SessionOver& how,
                              const SessionTrouble& trouble) = 0;
};

struct SessionTerms {
    net::Url acs;
    http::Credentials who;
    std::string local_address;
    Duration answer_timeout{};
    cwmp::Namespace ns = cwmp::Namespace::cwmp_1_2;
};

class Session {
public:
    // All outlive it.
    Session(boost::asio::io_context& io, net::ClientTls& tls, SessionListener& listener,
            DeviceNumber device, SessionTerms terms);

    void begin(cwmp::Inform inform, std::vector<cwmp::TransferComplete> transfers);
    Instant begun() const { return begun_; }
    // What both ends speak.
    cwmp::Namespace ns() const { return machine_.ns(); }

private:
    void feed(const cwmp::CpeEvent& event);
    void act_on(cwmp::CpeAction& action);
    void send(net::ClientRequest request);
    void on_answer(const Result<net::ClientAnswer, net::ClientError>& answer);

    SessionListener& listener_;
    const DeviceNumber device_;
    cwmp::CpeSession machine_;
    net::ClientAuth auth_;
    net::HttpClient http_;
    net::AcsConversation conversation_;
    SessionTrouble trouble_;
    Instant begun_;
};

}  // namespace sluice::sim::fleet
