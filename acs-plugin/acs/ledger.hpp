#pragma once
// What must be on the medium before something leaves: every change of the planner goes through
// here into the store, in order. When a write fails the process ends at once (`failed`): the
// planner's memory is ahead of the store then, and only a restart makes them one again.

#include <functional>
#include <string>

#include "acs-plugin/service/rows.hpp"
#include "acs-plugin/store/store.hpp"
#include "engine/base/time.hpp"

namespace sluice::acs {

class Ledger {
public:
    // `store` outlives it. `failed` is called on its caller's thread, at most once; `changed` with
    // every write: what the planner waits for may be another time now.
    Ledger(store::Store& store, std::function<void(const std::string& why)> failed,
           std::function<void()> changed);
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    // How long each commit took, from here until it is on the medium, and whether it got there.
    // Before the first.
    void on_written(std::function<void(Duration time, bool is_written)> written) {
        written_ = std::move(written);
    }

    // Nobody waits for it.
    void write(service::Changes rows);
    // `durable` once these, and everything before them, are on the medium: from inside when
    // nothing is under way. Never after a failure.
    void write_then(service::Changes rows, std::function<void()> durable);
    // As the REST API wants it: a failure is told too.
    void commit(service::Changes rows, std::function<void(Result<void>)> done);

private:
    store::Store& store_;
    std::function<void(const std::string&)> failed_;
    std::function<void()> changed_;
    std::function<void(Duration, bool)> written_;
    std::size_t under_way_ = 0;
    bool has_failed_ = false;
};

}  // namespace sluice::acs
