#pragma once
// TLS 1.3 between nodes: both ends prove that they know one secret (a pre-shared key), and nobody
// else reads along. No certificates, no names: nodes are called by address.

#include <boost/asio/ssl/context.hpp>
#include <string_view>

namespace sluice::cluster {

class SecretTls {
public:
    explicit SecretTls(std::string_view secret);
    SecretTls(const SecretTls&) = delete;
    SecretTls& operator=(const SecretTls&) = delete;

    boost::asio::ssl::context& server() { return server_; }
    boost::asio::ssl::context& client() { return client_; }

    static constexpr std::size_t kKeyBytes = 32;

private:
    unsigned char key_[kKeyBytes];
    boost::asio::ssl::context server_, client_;
};

}  // namespace sluice::cluster
