#pragma once
// Calls back once after a while; set again, it forgets the time before. I/O thread.

#include <functional>
#include <memory>

#include "engine/base/time.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::agent::management {

class Alarm {
public:
    explicit Alarm(boost::asio::io_context& io);
    ~Alarm();  // without a call
    Alarm(const Alarm&) = delete;
    Alarm& operator=(const Alarm&) = delete;

    void set(Duration from_now, std::function<void()> then);
    void cancel();

private:
    struct Timer;
    std::unique_ptr<Timer> timer_;
};

}  // namespace sluice::agent::management
