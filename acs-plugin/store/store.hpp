#pragma once
// The ACS's memory. Rows of acs-plugin/service in, the same rows back after a restart; this folder
// alone knows the schema. SQLite: one node that owns all. PostgreSQL: several nodes, of which one
// at a time owns it under a lease (lease.hpp), and only that one may commit.
//
// Threads: one of its own writes; commits that wait together share one transaction and one sync
// (group commit). Another reads for people. Callbacks come through `post`, which hands them to the
// caller's thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "acs-plugin/service/rows.hpp"
#include "acs-plugin/service/views.hpp"
#include "acs-plugin/store/lease.hpp"
#include "engine/base/result.hpp"

namespace sluice::store {

struct StoreOptions {
    // A path: of an SQLite file, made with mode 0600 where it is not there. Or "postgresql://…" as
    // libpq takes it.
    std::string url;
    std::string vfs;  // of SQLite; empty: the system's. Tests put their power cut here.
    // The log goes back into the file when it has grown to so many pages of 4 KiB.
    std::uint32_t checkpoint_pages = 1000;
    // What passes by itself: a server that is away, and back. On the store's threads; may be empty.
    std::function<void(const std::string& line)> log{};
};

// What of the log is kept.
struct HistoryTerms {
    std::uint32_t days = 400;
    std::uint64_t events = 20'000'000;
    std::uint32_t backup_days = 400;              // but for the pinned
    std::size_t answers = service::kMostAnswers;  // to idempotency keys
};

// Whether several nodes can stand on it.
bool is_shared(const std::string& url);

class Store {
public:
    using Post = std::function<void(std::function<void()>)>;

    // Opens and migrates; refused for a store that a newer Sluice wrote, and for a file that
    // another process has open. Blocking, as load() is. `post` is called on the store's threads.
    static Result<std::unique_ptr<Store>> open(const StoreOptions& options, Post post);
    // What was given to commit() is written first, then the lease given back.
    ~Store();
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    // Contend for it, once, and keep it. `tell` comes with each change; a file is ours at once.
    // Who loses it (another node has it now) never gets it back: the process should end.
    void hold(LeaseTerms terms, std::function<void(const LeaseNews&)> tell);
    // Whether nobody else can own it yet. False between a lease that could not be renewed in time
    // and its renewal: what is in memory may be old, and nothing should be told from it.
    bool is_ours() const;

    // Every row but events, backups that nobody works with, what belongs to rollouts that settled,
    // and answers beyond the newest (IdempotencyRow). Before the first commit; on PostgreSQL once
    // it is ours.
    Result<std::vector<service::Row>> load();
    // The same one by one, images and devices first: a million of them are not to lie in memory
    // together. `take`'s first error ends it.
    Result<void> load_each(const std::function<Result<void>(service::Row&&)>& take);

    // All of `rows` or nothing, after everything committed before. `done` is called once, when the
    // rows are on the medium, or with what went wrong: after that every commit fails, and the
    // process should end (a planner must not run ahead of its store). A PostgreSQL server that is
    // away is waited for.
    void commit(service::Changes rows, std::function<void(Result<void>)> done);

    // What happened. Its own connection: does not wait behind commits.
    void history(service::EventQuery query,
                 std::function<void(Result<std::vector<service::EventRow>>)> done);
    // Devices' parts in a rollout, by identity, as history(): of one that settled, which memory
    // does not have.
    void parts(std::string rollout, service::RolloutDeviceQuery query,
               std::function<void(Result<std::vector<service::RolloutDeviceRow>>)> done);
    // Backups (acs-plugin/backup), as history(). Of bytes nothing: there are none.
    void backups(service::BackupQuery query,
                 std::function<void(Result<std::vector<service::BackupRow>>)> done);
    void backup_bytes(std::uint64_t id,
                      std::function<void(Result<std::optional<std::string>>)> done);
    void count_backups(std::function<void(Result<std::vector<service::BackupTally>>)> done);

    // Lets go of some of what is older than it may get; to be called now and then. An answer to an
    // idempotency key is kept for a day.
    void trim(service::WallTime now, const HistoryTerms& terms);

private:
    struct Impl;
    explicit Store(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::store
