#pragma once
// The configurations of subscribers' devices: taken before an upgrade, given back after it. Sealed
// before they are written, durable before they are acknowledged, opened only to be given to their
// own device or read by an operator, which the log tells. On the node that owns the store.
//
//     ticket_up → the device's PUT → on_stored → settle → … → offer → the device's GET → release
//
// A backup belongs to (identity, rollout, order number). Until its order is settled the same PUT
// again replaces it. From settle until release it is pinned: neither age nor number lets it go.
//
// Calls that take `out` add rows to it, which must be committed, in the order of the calls, with
// what they belong to. Single-threaded: on the io_context's thread.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "acs-plugin/backup/counter.hpp"
#include "acs-plugin/backup/key_ring.hpp"
#include "acs-plugin/backup/ticket.hpp"
#include "acs-plugin/service/rows.hpp"

namespace sluice::backup {

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
    // The software and configuration that the device runs, as it said last.
    std::function<std::pair<std::string, std::string>(const std::string& identity)> versions;
    std::function<void(const std::string& line)> log;  // may be empty
};

struct LockerCounters {
    std::uint64_t stored = 0, replaced = 0, given = 0, read = 0;
    std::uint64_t refused = 0;  // over, busy
    std::uint64_t failed = 0;   // not kept, or did not open
};

// How far sealing anew is.
struct RotationView {
    std::string first_key;
    std::vector<service::BackupTally> keys;  // all that seal something
    std::vector<std::string> missing;        // of them: not in the key ring
    std::uint64_t left = 0;                  // sealed with another key than the first
    std::uint64_t unreadable = 0;            // tried in this process, and did not open
    bool is_running = false;
};

class Locker final : public Counter {
public:
    // `rows`: what the store loaded of BackupRow; others are passed over.
    Locker(KeyRing keys, LockerOptions options, const std::vector<service::Row>& rows);
    ~Locker() override;

    const KeyRing& keys() const;

    // --- the way up ---------------------------------------------------------------------------

    // For an Upload. The same for the same words: after a restart it may be asked for again.
    Result<Ticket> ticket_up(const std::string& identity, const std::string& rollout,
                             std::uint32_t number, UtcTime expires) const;
    // Told once each time that a device brought something and it is durable.
    void on_stored(std::function<void(const service::BackupRow&)> told);
    // What came for that order and is durable; null: nothing did. Also after a restart.
    const service::BackupRow* stored(std::string_view identity, std::string_view rollout,
                                     std::uint32_t number) const;
    // The order is over. What came is pinned from now on, and nothing replaces it; null: nothing.
    const service::BackupRow* settle(std::string_view identity, std::string_view rollout,
                                     std::uint32_t number, service::Changes& out);

    // --- the way down -------------------------------------------------------------------------

    // A configuration that was made here (converted, edited): sealed and pinned with `out`.
    // Refused: empty, or longer than kMaxBackup.
    Result<std::uint64_t> keep(const std::string& identity, const std::string& rollout,
                               std::uint32_t number, ByteView bytes, service::Changes& out);
    // For a Download of type 3: one of the device's own that is pinned. `name` ends the URL.
    Result<Ticket> offer(std::uint64_t id, std::uint32_t number, std::string_view name,
                         UtcTime expires) const;

    // --- both ---------------------------------------------------------------------------------

    // Of a rollout whose upgrade of that device is over: what was made here goes, backups stay as
    // long as their number and age let them.
    void release(std::string_view identity, std::string_view rollout, service::Changes& out);
    // Pins one for an operator's restore; told once it may be offered. Refused: an upgrade that is
    // under way has it.
    void borrow(std::uint64_t id, std::function<void(Result<service::BackupRow>)> done);
    void give_back(std::uint64_t id, service::Changes& out);
    // In clear. Verified: length and SHA-256.
    void read(std::uint64_t id,
              std::function<void(Result<std::pair<service::BackupRow, Bytes>>)> done);
    // As the store has them.
    void list(service::BackupQuery query,
              std::function<void(Result<std::vector<service::BackupRow>>)> done) const;
    // Refused: pinned, or there is none. Adds its event.
    void erase(std::uint64_t id, std::string who, std::function<void(Result<void>)> done);
    // A subscriber's device goes (DeviceGone is in the same commit).
    void forget(std::string_view identity);

    // --- keys ---------------------------------------------------------------------------------

    // In the background, until nothing that can be opened is sealed with another key.
    void rotate();
    void rotation(std::function<void(Result<RotationView>)> done) const;

    // Now and then: what no order settled within a week is settled here.
    void on_time(service::WallTime now, service::Changes& out);
    const LockerCounters& counters() const;

    void put(const Claim& claim, const std::string& identity, std::string bytes,
             std::function<void(Word)> done) override;
    void get(const Claim& claim, const std::string& identity,
             std::function<void(Word, Bytes)> done) override;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::backup
