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
inline constexpr char kForImages[] = "images";  // of any node, not of the owner alone

struct Purpose {
    std::string what;
    std::string peer = {};  // of kForApi: the operator's address, which the owner judges by
    std::string at = {};    // of kForDesk: where the caller can be dialled for images
};

// `done` is called once: the link, with the hello sent and answered by who can do what it is for,
// or why not.
void dial(boost::asio::io_context& io, std::shared_ptr<SecretTls> tls, const std::string& address,
          Purpose purpose,
          std::function<void(std::unique_ptr<Stream>, const std::string& why)> done);

}  // namespace sluice::cluster
