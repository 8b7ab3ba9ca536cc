#pragma once
// What the client side trusts over TLS. Nothing of OpenSSL is touched before the first https
// connection asks for the context: an agent that only speaks http on its LAN does not pay for it.

#include <memory>
#include <string>

#include "engine/base/result.hpp"

namespace boost::asio::ssl {
class context;
}

namespace sluice::net {

class ClientTls {
public:
    // `ca_file`: the operator's own CA bundle (PEM) and no other; empty = the system's.
    explicit ClientTls(std::string ca_file = {});
    ~ClientTls();
    ClientTls(const ClientTls&) = delete;
    ClientTls& operator=(const ClientTls&) = delete;

    // TLS 1.2 or later, the peer's chain verified; made at the first call and kept.
    Result<boost::asio::ssl::context*> context();

private:
    std::string ca_file_;
    std::unique_ptr<boost::asio::ssl::context> context_;
};

}  // namespace sluice::net
