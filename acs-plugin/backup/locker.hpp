#pragma once
// The configurations of subscribers' devices: taken before an upgrade, given back after it. Sealed
// before they are written, durable before they are acknowledged, opened only to be given to their
// own device or read by an operator, which the log tells. On the node that owns the store.
//
//     ticket_up → the device's PUT → on_stored → settle → … → offer → the device's GET → release
//
// What a device brings belongs to (identity, rollout, order's number), and is taken while that
// order is open. Until it is settled the same PUT again replaces it. From settle until release it
// is pinned: neither age nor number lets it go. Calls that take `out` add rows to it, which are
// committed with what they belong to, in the order of the calls.
//
// Single-threaded: on the io_context's thread.

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "acs-plugin/backup/counter.hpp"
#include "acs-plugin/backup/key_ring.hpp"
#include "acs-plugin/service/rows.hpp"
#include "acs-plugin/upgrade/vault.hpp"

namespace sluice::backup {

using upgrade::acs::Place;

struct LockerOptions {
    std::string origin_url;  // "https://acs.example:7548"
    std::uint32_t kept = 3;  // backups of one device, beside the pinned ones
    std::function<service::WallTime()> wall_time;
    std::function<void(std::span<std::uint8_t>)> random;
    // The store's (store.hpp); they answer on the io_context's thread, in the order of the calls.
    std::function<void(service::Changes, std::function<void(Result<void>)> done)> commit;
    std::function<void(service::BackupQuery,
                       std::function<void(Result<std::vector<service::BackupRow>>)>)>
        rows;
    std::function<void(std::uint64_t id, std::function<void(Result<std::optional<std::string>>)>)>
        bytes;
    std::function<void(std::function<void(Result<std::vector<service::BackupTally>>)>)> tally;
    // The order still waits for what the device brings; empty: any does.
    std::function<bool(const std::string& identity, const std::string& rollout,
                       std::uint32_t number)>
        is_open;
    // The software and configuration that the device runs, as it said last.
    std::function<std::pair<std::string, std::string>(const std::string& identity)> versions;
    std::function<void(const std::string& line)> log;  // may be empty
};

struct LockerCounters {
    std::uint64_t stored = 0, replaced = 0, given = 0;
    std::uint64_t refused = 0;  // over, busy
    std::uint64_t failed = 0;   // not kept, or did not open
};

// How far sealing anew is.
struct RotationView {
    std::string first_key;
    std::vector<service::BackupTally> keys;  // all that seal something
    std::vector<std::string> missing;        // of them: not in the key ring
    std::uint64_t left = 0;                  // sealed with another key than the first
    std::uint64_t unreadable = 0;            // tried since the start, and did not open
    bool is_running = false;
};

class Locker final : public Counter, public upgrade::acs::Vault {
public:
    using Opened = std::pair<service::BackupRow, Bytes>;

    Locker(KeyRing keys, LockerOptions options);
    ~Locker() override;

    // Each that the store loaded, before anything else.
    void restore(const service::BackupRow& row);
    // After them, once: what nobody needs is let go of. It may have been lent by a process that
    // ended before its upgrade was kept.
    void lift_pins(const std::function<bool(const service::BackupRow&)>& is_needed);

    // --- of safe upgrades (Vault) -------------------------------------------------------------

    // Each time that a device brought something and it is durable.
    void on_stored(std::function<void(const service::BackupRow&)> told);
    Result<Place> ticket_up(const std::string& identity, const std::string& rollout,
                            std::uint32_t number, service::WallTime expires) override;
    Result<Place> offer(std::uint64_t backup, std::uint32_t number,
                        service::WallTime expires) override;
    std::optional<service::BackupRow> settle(const std::string& identity,
                                             const std::string& rollout, std::uint32_t number,
                                             service::Changes& out) override;
    Result<std::uint64_t> keep(const std::string& identity, const std::string& rollout,
                               std::uint32_t number, ByteView bytes,
                               service::Changes& out) override;
    // Its length and SHA-256 verified.
    void read(std::uint64_t backup, std::function<void(Result<Opened>)> done) override;
    void release(const std::string& identity, const std::string& rollout,
                 service::Changes& out) override;
    // Refused: an upgrade has it, or there is none. Pinned when it is told.
    void borrow(std::uint64_t backup,
                std::function<void(Result<service::BackupRow>)> done) override;
    void give_back(std::uint64_t backup, service::Changes& out) override;

    // --- of devices ---------------------------------------------------------------------------

    void put(const Claim& claim, const std::string& identity, std::string bytes,
             std::function<void(Word)> done) override;
    void get(const Claim& claim, const std::string& identity,
             std::function<void(Word, Bytes)> done) override;

    // --- of operators -------------------------------------------------------------------------

    void list(service::BackupQuery query,
              std::function<void(Result<std::vector<service::BackupRow>>)> done) const;
    // Whether an upgrade, or an order that is not over, needs it.
    bool is_needed(std::uint64_t id) const;
    // In the background, until nothing that can be opened is sealed with another key.
    void rotate();
    void rotation(std::function<void(Result<RotationView>)> done) const;

    // A subscriber's device goes (its DeviceGone is being committed).
    void forget(std::string_view identity);
    // Now and then: what no order settled within a week is settled here.
    void on_time(service::WallTime now);
    const LockerCounters& counters() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::backup
