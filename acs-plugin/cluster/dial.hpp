#pragma once
// A connection to another node: resolved, connected, the secret proved on both sides. Inside
// acs-plugin/cluster only.

#include <functional>
#include <memory>
#include <string>

#include "acs-plugin/cluster/link.hpp"

namespace sluice::cluster {

// What a connection is for; the first frame of it says so.
inline constexpr char kForDesk[] = "desk";
inline constexpr char kForApi[] = "api";

struct Purpose {
    std::string what;       // kForDesk or kForApi
    std::string peer = {};  // of kForApi: the operator's address, which the owner judges by
};

// `done` is called once: the link, with the hello sent and answered by an owner, or why not.
void dial(boost::asio::io_context& io, std::shared_ptr<SecretTls> tls, const std::string& address,
          Purpose purpose,
          std::function<void(std::unique_ptr<Stream>, const std::string& why)> done);

}  // namespace sluice::cluster
