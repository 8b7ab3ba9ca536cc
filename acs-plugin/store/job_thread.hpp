#pragma once
// One thread that runs what it is given, in order. The store has two: one writes, one reads for
// people. Jobs do not throw.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace sluice::store {

class JobThread {
public:
    JobThread();
    ~JobThread();  // runs what is waiting first
    JobThread(const JobThread&) = delete;
    JobThread& operator=(const JobThread&) = delete;

    void run(std::function<void()> job);

private:
    void work();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> jobs_;
    bool is_ending_ = false;
    std::thread thread_;
};

}  // namespace sluice::store
