#pragma once
// The agent's second thread: everything that blocks or hashes (piece store, proofs) runs here, one
// job after another in the order of their coming, so that the I/O thread never waits for a disk.
// A job tells its result by posting to the io_context; nothing else is shared.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace sluice::agent {

class Worker {
public:
    Worker();
    // Finishes the running job and forgets the waiting ones: what they would have written was
    // announced to nobody.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void post(std::function<void()> job);

private:
    void run();

    std::mutex mutex_;  // of the next three
    std::condition_variable has_job_;
    std::deque<std::function<void()>> jobs_;
    bool is_stopping_ = false;
    std::thread thread_;  // last: runs on the rest
};

}  // namespace sluice::agent
