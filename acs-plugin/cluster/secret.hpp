#pragma once
// What sluice-acs hands to the channel: the secret that nodes share, ready for TLS; and the end of
// a connection that cannot be passed on.

#include <memory>
#include <string_view>

namespace sluice::cluster {

class SecretTls;
std::shared_ptr<SecretTls> make_tls(std::string_view secret);
void close_socket(int socket);

}  // namespace sluice::cluster
