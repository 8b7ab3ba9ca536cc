#include "acs-plugin/cluster/secret_tls.hpp"

#include <cstring>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <string>
#include <unistd.h>

#include "acs-plugin/cluster/secret.hpp"

namespace sluice::cluster {
namespace {

constexpr char kName[] = "sluice-node-v1";
// OpenSSL ties keys that come by these callbacks to SHA-256.
constexpr char kCipher[] = "TLS_AES_128_GCM_SHA256";

// Where a context keeps our key; Asio has the place that OpenSSL calls the application's.
int key_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

unsigned give_key(SSL* link, unsigned char* out, unsigned room) {
    const auto* key = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(link), key_index());
    if (key == nullptr || room < SecretTls::kKeyBytes) return 0;
    std::memcpy(out, key, SecretTls::kKeyBytes);
    return SecretTls::kKeyBytes;
}

unsigned client_key(SSL* link, const char*, char* name, unsigned name_room, unsigned char* out,
                    unsigned room) {
    if (name_room < sizeof kName) return 0;
    std::memcpy(name, kName, sizeof kName);
    return give_key(link, out, room);
}

unsigned server_key(SSL* link, const char* name, unsigned char* out, unsigned room) {
    return std::strcmp(name, kName) == 0 ? give_key(link, out, room) : 0;
}

void prepare(boost::asio::ssl::context& context, unsigned char* key) {
    auto* c = context.native_handle();
    SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(c, kCipher);
    SSL_CTX_set_ex_data(c, key_index(), key);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(c, 0);
}

}  // namespace

SecretTls::SecretTls(std::string_view secret)
    : server_(boost::asio::ssl::context::tls_server),
      client_(boost::asio::ssl::context::tls_client) {
    const auto seed = std::string(kName) + '\0' + std::string(secret);
    SHA256(reinterpret_cast<const unsigned char*>(seed.data()), seed.size(), key_);
    prepare(server_, key_);
    prepare(client_, key_);
    SSL_CTX_set_psk_server_callback(server_.native_handle(), server_key);
    SSL_CTX_set_psk_client_callback(client_.native_handle(), client_key);
    // Who knows the key shows no certificate; who would show one instead is not believed.
    SSL_CTX_set_verify(client_.native_handle(), SSL_VERIFY_PEER, nullptr);
}

std::shared_ptr<SecretTls> make_tls(std::string_view secret) {
    return std::make_shared<SecretTls>(secret);
}

void close_socket(int socket) {
    ::close(socket);
}

}  // namespace sluice::cluster
