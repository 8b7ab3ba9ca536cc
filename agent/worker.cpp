#include "agent/worker.hpp"

#include <utility>

namespace sluice::agent {

Worker::Worker() : thread_([this] { run(); }) {}

Worker::~Worker() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    has_job_.notify_one();
    thread_.join();
}

void Worker::post(std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
    }
    has_job_.notify_one();
}

void Worker::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        has_job_.wait(lock, [this] { return is_stopping_ || !jobs_.empty(); });
        if (is_stopping_) return;
        const auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        lock.lock();
    }
}

}  // namespace sluice::agent
