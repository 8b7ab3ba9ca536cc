#pragma once
// Where a safe upgrade keeps configurations, and how devices get at them: acs-plugin/backup's
// Locker as an upgrade sees it. Calls that take `out` add rows, which are committed with what they
// belong to. Callbacks come on the caller's thread, from inside the call or later, once.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "acs-plugin/service/rows.hpp"
#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"

namespace sluice::upgrade::acs {

// A place at our file server, for one device and one order.
struct Place {
    std::string url, username, password;
    std::uint64_t length = 0;  // of what is offered
};

class Vault {
public:
    virtual ~Vault() = default;
    // For a PUT of the device's. The same for the same words.
    virtual Result<Place> ticket_up(const std::string& identity, const std::string& rollout,
                                    std::uint32_t number, service::WallTime expires) = 0;
    // For a GET of the device's, of a backup that is settled or kept.
    virtual Result<Place> offer(std::uint64_t backup, std::uint32_t number,
                                service::WallTime expires) = 0;
    // The order is over: what came for it is an upgrade's from now on. Nothing: nothing came.
    virtual std::optional<service::BackupRow> settle(const std::string& identity,
                                                     const std::string& rollout,
                                                     std::uint32_t number,
                                                     service::Changes& out) = 0;
    // Of the server's own making: converted, or edited by the operator.
    virtual Result<std::uint64_t> keep(const std::string& identity, const std::string& rollout,
                                       std::uint32_t number, ByteView bytes,
                                       service::Changes& out) = 0;
    // The clear bytes, checked against their length and digest.
    virtual void read(std::uint64_t backup,
                      std::function<void(Result<std::pair<service::BackupRow, Bytes>>)> done) = 0;
    // The device's upgrade in that rollout is over.
    virtual void release(const std::string& identity, const std::string& rollout,
                         service::Changes& out) = 0;
    // One that an operator gives back by hand: needed until give_back.
    virtual void borrow(std::uint64_t backup,
                        std::function<void(Result<service::BackupRow>)> done) = 0;
    virtual void give_back(std::uint64_t backup, service::Changes& out) = 0;
};

}  // namespace sluice::upgrade::acs
