#pragma once
// How the manager asks devices and is told by them: SNMPv3 (authPriv) or v2c. What is asked is
// answered while the caller waits, within `Security::timeout`.
//
// Net-SNMP's library is one a process, and single-threaded.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "acs-plugin/iad/words.hpp"
#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace sluice::iad {

struct Security {
    std::string community;  // v2c; empty: v3
    std::string user, auth_password, priv_password;
    std::string auth = "SHA-256";  // or SHA
    Duration timeout = std::chrono::seconds(2);
    int retries = 1;
};

void open_snmp();  // once, first

class Peer {
public:
    // `address`: "host" or "host:port".
    Peer(std::string address, Security security);
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    Result<Facts> facts();
    Result<Outcome> outcome();
    // Server and order in one SET. A device that has the order already says that it has it.
    Result<void> give(const FileServer& server, const Order& order);

    const std::string& address() const { return address_; }

private:
    struct Impl;
    std::string address_;
    std::unique_ptr<Impl> impl_;
};

struct Heard {
    Notice notice = Notice::progressed;
    std::string from;  // the sender's address, without its port
    Outcome outcome;   // what of it the notification says
    std::string version;
};

struct ListenerCounters {
    std::uint64_t datagrams = 0;
    std::uint64_t taken = 0;
    std::uint64_t not_authentic = 0;  // unknown engine or user, wrong key or community, replayed
    std::uint64_t not_ours = 0;       // other notifications
    std::uint64_t malformed = 0;
};

// Takes traps and informs. Informs are acknowledged by the library once they are authentic.
class Listener {
public:
    static Result<std::unique_ptr<Listener>> open(const std::string& address,
                                                  const Security& security,
                                                  std::function<void(const Heard&)> told);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    ListenerCounters counters() const;

    struct Impl;

private:
    explicit Listener(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Serves the listener for `wait`.
void serve_snmp(Duration wait);

}  // namespace sluice::iad
