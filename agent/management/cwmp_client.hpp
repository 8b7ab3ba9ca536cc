#pragma once
// CWMP sessions over HTTP: one TCP connection, cookies for as long as the session lasts, redirects
// of the ACS URL followed, Digest answered. What is said is engine/cwmp's CpeSession; what it means
// to the device is the listener's. One session at a time.
//
// I/O thread.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/cwmp/cpe_session.hpp"
#include "engine/net/acs_conversation.hpp"
#include "engine/net/client_auth.hpp"
#include "engine/net/http_client.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::agent::management {

// Each `then` is called once, on the I/O thread, and nothing leaves before it is.
class SessionListener {
public:
    virtual ~SessionListener() = default;
    virtual void execute(const cwmp::Message& request, std::function<void(cwmp::Message)> then) = 0;
    // False: the session ends here, as a failed one.
    using Then = std::function<void(bool may_go_on)>;
    virtual void inform_delivered(Then then) = 0;
    virtual void transfer_delivered(const std::string& command_key, Then then) = 0;
    virtual void session_over(const cwmp::SessionOver& how) = 0;
    // An answer's Date field.
    virtual void acs_said_time(UtcTime at_least) = 0;
};

class CwmpClient {
public:
    // All outlive it.
    CwmpClient(boost::asio::io_context& io, net::ClientTls& tls, SessionListener& listener,
               std::string local_address, bool may_speak_plain)
        : io_(io),
          tls_(tls),
          listener_(listener),
          local_address_(std::move(local_address)),
          may_speak_plain_(may_speak_plain) {}

    void begin(const std::string& acs_url, const http::Credentials& credentials,
               cwmp::Inform inform, std::vector<cwmp::TransferComplete> transfers);
    bool is_open() const { return session_ != nullptr; }

private:
    void feed(const cwmp::CpeEvent& event);
    void act();
    void act_on(cwmp::CpeAction action);
    void go_on(bool may_go_on);
    void post(std::string body);
    void send(net::ClientRequest request);
    void on_answer(const Result<net::ClientAnswer, net::ClientError>& answer);
    void on_body(const net::ClientAnswer& answer);
    void end(const cwmp::SessionOver& how);

    boost::asio::io_context& io_;
    net::ClientTls& tls_;
    SessionListener& listener_;
    const std::string local_address_;
    const bool may_speak_plain_;
    cwmp::Namespace ns_ = cwmp::Namespace::cwmp_1_2;  // what the last session ended up with

    std::unique_ptr<cwmp::CpeSession> session_;
    std::unique_ptr<net::ClientAuth> auth_;
    std::unique_ptr<net::HttpClient> http_;
    std::deque<cwmp::CpeAction> actions_;
    bool is_waiting_ = false;  // for the listener or the ACS
    std::optional<net::AcsConversation> conversation_;
    std::string trouble_;  // in more words than the session has
};

}  // namespace sluice::agent::management
