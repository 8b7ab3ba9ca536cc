#pragma once
// The device state in memory and on the disk. The I/O thread changes `state` and asks for it to be
// saved; what must not leave before it is durable goes into `then`. Saves happen in the order they
// were asked for, on a thread of their own: an install that copies an image for a minute must not
// hold a session up.

#include <functional>
#include <memory>
#include <string>

#include "agent/disk/disk.hpp"
#include "agent/management/device_state.hpp"
#include "agent/worker.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::agent::management {

class Ledger {
public:
    using Then = std::function<void(const Result<void>&)>;

    // <folder>/state.json; the folder is there. A file that makes no sense, or whose sectors are
    // gone, is set aside: a device without its orders can be managed, one that does not start
    // cannot. Blocks.
    static Result<std::unique_ptr<Ledger>> open(boost::asio::io_context& io, disk::Disk& disk,
                                                std::string folder);

    DeviceState state;

    // `then` on the I/O thread. A failed save leaves the file as it was, or as it is now.
    void save(Then then);
    // Where there is nothing to wait for: a failure is logged, and the next save makes up for it.
    void save();
    // Before the I/O thread runs. Blocks.
    Result<void> save_now();

private:
    Ledger(boost::asio::io_context& io, disk::Disk& disk, std::string folder)
        : io_(io), disk_(disk), folder_(std::move(folder)) {}

    boost::asio::io_context& io_;
    disk::Disk& disk_;
    const std::string folder_;
    Worker worker_;  // last: its jobs use the rest
};

}  // namespace sluice::agent::management
