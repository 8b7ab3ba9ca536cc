#pragma once
// Connection requests (TR-069 §3.2.2): a GET with Digest on the URL that a device gave, so that it
// opens a session now. A bounded queue, a few at a time; when a device is called again, the planner
// says. Only the answer's status counts; nothing is followed.
//
// Nothing may depend on a call: a device that cannot be reached comes by itself at its next
// interval. Single-threaded: on the io_context's thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/time.hpp"

namespace boost::asio {
class io_context;
}
namespace sluice::net {
class ClientTls;
}

namespace sluice::cwmp::acs {

struct CallerOptions {
    std::size_t at_once = 128;  // most of them may be waits for devices that are off
    std::size_t queued = 1024;
    Duration timeout = std::chrono::seconds(5);  // of each of connecting and answering
};

struct Call {
    std::string identity;
    std::string url;  // judged before (call_policy.hpp)
    std::string username, password;
};

class Caller {
public:
    // Once for each call: whether the answer was 2xx.
    using Done = std::function<void(const std::string& identity, bool is_reached)>;

    // `tls` outlives it.
    Caller(boost::asio::io_context& io, net::ClientTls& tls, CallerOptions options, Done done);
    ~Caller();
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    // How many more it takes now.
    std::size_t room() const;
    // Beyond room(), or for a device that is being called: not called, and `done` says nothing.
    // `done` is never called from inside.
    void call(Call call);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::cwmp::acs
