#pragma once
// The ACS's memory. Rows of acs-plugin/service in, the same rows back after a restart; this folder
// alone knows the schema. SQLite (one node owning all) through SOCI; PostgreSQL will be a second
// back end behind the same three calls.
//
// Threads: one of its own does every database call; commits that wait together share one
// transaction and one fsync (group commit). Callbacks come through `post`, which hands them to the
// caller's thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "acs-plugin/service/rows.hpp"
#include "engine/base/result.hpp"

namespace sluice::store {

struct StoreOptions {
    // A path: of an SQLite file, made with mode 0600 where it is not there.
    std::string url;
    std::string vfs;  // of SQLite; empty: the system's. Tests put their power cut here.
    // The log goes back into the file when it has grown to so many pages of 4 KiB.
    std::uint32_t checkpoint_pages = 1000;
};

class Store {
public:
    using Post = std::function<void(std::function<void()>)>;

    // Opens and migrates; refused for a file that a newer Sluice wrote, or that another process has
    // open. Blocking, as load() is. `post` is called on the store's threads.
    static Result<std::unique_ptr<Store>> open(const StoreOptions& options, Post post);
    ~Store();  // what was given to commit() is written first
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    // Every row but the events. Before the first commit.
    Result<std::vector<service::Row>> load();

    // All of `rows` or nothing, after everything committed before. `done` is called once, when the
    // rows are on the medium, or with what went wrong: after that every commit fails, and the
    // process should end (a planner must not run ahead of its store).
    void commit(service::Changes rows, std::function<void(Result<void>)> done);

    // What happened. Its own connection: does not wait behind commits.
    void history(service::EventQuery query,
                 std::function<void(Result<std::vector<service::EventRow>>)> done);

private:
    struct Impl;
    explicit Store(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::store
