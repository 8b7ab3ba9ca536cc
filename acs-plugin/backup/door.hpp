#pragma once
// Where a device brings its configuration and fetches one, at the origin's listener:
//
//     PUT /u/<token>/<name>   201, or 200 where it came before: only when it is durable
//     GET /c/<token>/<name>   the configuration
//
// A token that is none of ours is 404, one whose time is over 410; then the device's own name and
// password are asked for, by Digest (over TLS Basic will do). No byte of a body is taken without a
// good token, and none beyond kMaxBackup. Single-threaded: on the io_context's thread.

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "acs-plugin/backup/counter.hpp"
#include "acs-plugin/origin/origin.hpp"
#include "engine/http/digest_gate.hpp"

namespace sluice::backup {

struct DoorOptions {
    bool allows_basic = false;  // over TLS
    http::NonceLimits nonces;
    std::array<std::uint8_t, 32> nonce_key{};  // random at each start of the process
    std::function<Instant()> clock;            // monotonic
    std::function<service::WallTime()> wall_time;
    std::function<void(const std::string& line)> log;  // may be empty
};

struct DoorCounters {
    std::uint64_t brought = 0, fetched = 0;
    std::uint64_t unknown = 0;  // 404
    std::uint64_t expired = 0;  // 410
    std::uint64_t denied = 0;   // 401 to credentials that were wrong
};

class Door final : public origin::SideDoor {
public:
    // `counter` outlives it.
    Door(const KeyRing& keys, Counter& counter, DoorOptions options);

    bool is_for(std::string_view target) const override;
    std::size_t body_limit(const net::HttpRequest& head, std::size_t limit) const override;
    unsigned status_without_body(const net::HttpRequest& head) const override;
    void on_request(const net::HttpRequest& request,
                    std::function<void(const net::HttpResponse&)> answer) override;
    const DoorCounters& counters() const { return counters_; }

private:
    using Give = std::function<void(const net::HttpResponse&)>;
    // Of the request's token, where that is one of ours and stands where it belongs.
    std::optional<Claim> claim_of(const net::HttpRequest& request, DoorTarget& target) const;
    bool is_expired(const Claim& claim) const {
        return options_.wall_time().utc() >= claim.expires;
    }
    std::optional<std::string> admit(const net::HttpRequest& request, const DoorTarget& target,
                                     const Claim& claim, const Give& give);
    http::GateVerdict judge(const net::HttpRequest& request, const DoorTarget& target,
                            const Claim& claim, std::string& name);
    void take(const net::HttpRequest& request, const Claim& claim, const std::string& identity,
              const Give& give);
    void hand_out(const Claim& claim, const std::string& identity, const Give& give);

    const TicketBook tickets_;
    Counter& counter_;
    const DoorOptions options_;
    http::DigestGate gate_;
    DoorCounters counters_;
};

}  // namespace sluice::backup
