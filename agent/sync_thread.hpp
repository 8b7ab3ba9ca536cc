#pragma once
// Makes a store's batches durable beside everything else: neither the I/O thread, which serves, nor
// the worker, which hashes what neighbours wait for, stands still while the flash writes
// (docs/adr/0002). A failed sync stays in the store; its next write or sync returns it.

#include <thread>

#include "agent/piece_store.hpp"

namespace sluice::agent {

class SyncThread {
public:
    // `store` outlives it.
    explicit SyncThread(PieceStore& store);
    // Ends after the running sync, if any; what is unsynced then stays so.
    ~SyncThread();
    SyncThread(const SyncThread&) = delete;
    SyncThread& operator=(const SyncThread&) = delete;

private:
    PieceStore& store_;
    std::thread thread_;
};

}  // namespace sluice::agent
