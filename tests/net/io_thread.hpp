#pragma once
// An io_context on a thread of its own: the server under test lives there, the test talks to it
// over sockets and, through run(), directly.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

namespace sluice::tests {

class IoThread {
public:
    IoThread() : work_(boost::asio::make_work_guard(io_)), thread_([this] { io_.run(); }) {}
    ~IoThread() {
        work_.reset();
        io_.stop();
        thread_.join();
    }
    boost::asio::io_context& io() { return io_; }

    // Runs `task` on the thread and waits for its result.
    template <class Task>
    auto run(Task task) -> decltype(task()) {
        std::packaged_task<decltype(task())()> job(std::move(task));
        auto result = job.get_future();
        boost::asio::post(io_, [&job] { job(); });
        return result.get();
    }

private:
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::thread thread_;
};

}  // namespace sluice::tests
