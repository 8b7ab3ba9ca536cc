#pragma once
// One small file from or to a file server, whole and in memory: configurations by GET and PUT, with
// the order's credentials, redirects followed.
//
// I/O thread.

#include <functional>
#include <memory>
#include <string>

#include "agent/management/device_state.hpp"
#include "agent/management/transfer_fault.hpp"
#include "engine/net/client_auth.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::agent::management {

class FileTransfer {
public:
    // The file for a GET; for a PUT what the server said.
    using Then = std::function<void(const Result<std::string, TransferFault>&)>;

    // Both outlive it.
    // `may_leave_tls`: a redirect may go from HTTPS to plain HTTP.
    FileTransfer(boost::asio::io_context& io, net::ClientTls& tls, std::string local_address,
                 bool may_leave_tls)
        : io_(io),
          tls_(tls),
          local_address_(std::move(local_address)),
          may_leave_tls_(may_leave_tls) {}

    void get(const Order& order, Then then);
    // A server with Digest is asked for its challenge first: most close the connection on a body
    // that they did not want, and their answer goes with it.
    void put(const Order& order, std::string body, Then then);
    void cancel();  // no `then`

private:
    void start(const Order& order, std::string method, std::string body, Then then);
    void speak_as(http::Credentials who);
    void ask_for_challenge();
    void send(net::Url url);
    void on_answer(const Result<net::ClientAnswer, net::ClientError>& answer);
    void tell(Result<std::string, TransferFault> result);

    boost::asio::io_context& io_;
    net::ClientTls& tls_;
    const std::string local_address_;
    const bool may_leave_tls_;
    Then then_;
    net::Url asked_;
    std::string method_, body_;
    std::uint64_t wanted_bytes_ = 0;  // of a GET; 0: any number
    unsigned redirects_ = 0;
    std::unique_ptr<net::ClientAuth> auth_;
    std::unique_ptr<net::HttpClient> client_;
};

}  // namespace sluice::agent::management
