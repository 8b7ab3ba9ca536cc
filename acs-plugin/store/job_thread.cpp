#include "acs-plugin/store/job_thread.hpp"

#include <utility>

namespace sluice::store {

JobThread::JobThread() : thread_([this] { work(); }) {}

JobThread::~JobThread() {
    {
        const std::lock_guard guard(mutex_);
        is_ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void JobThread::run(std::function<void()> job) {
    {
        const std::lock_guard guard(mutex_);
        jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
}

void JobThread::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return is_ending_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        job = nullptr;  // what it holds goes outside the lock
        lock.lock();
    }
}

}  // namespace sluice::store
