#include "agent/sync_thread.hpp"

namespace sluice::agent {

SyncThread::SyncThread(PieceStore& store)
    : store_(store), thread_([&store] {
          while (store.wait_until_due())
              if (!store.sync()) return;
      }) {}

SyncThread::~SyncThread() {
    store_.stop_waiting();
    thread_.join();
}

}  // namespace sluice::agent
