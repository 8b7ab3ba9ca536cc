#pragma once
// Orders about one small file: a configuration to be applied, the configuration to be uploaded, one
// to be converted and its conversion to be uploaded. One at a time; order_runner starts them and
// knows when to try again.
//
// I/O thread.

#include <functional>
#include <string>

#include "agent/management/configurator.hpp"
#include "agent/management/file_transfer.hpp"

namespace sluice::agent::management {

class FileOrders {
public:
    struct Done {
        bool is_configuration_new = false;
        bool wants_reboot = false;  // the file asks for it, or the device always does
    };
    using Then = std::function<void(const Result<Done, TransferFault>&)>;

    // All outlive it.
    FileOrders(boost::asio::io_context& io, net::ClientTls& tls, Configurator& configurator,
               const Settings& settings)
        : configurator_(configurator),
          settings_(settings),
          transfer_(io, tls, settings.local_address, settings.is_insecure_lab) {}

    // `now` dates a configuration.
    void start(const Order& order, UtcTime now, Then then);
    // What the software is doing with a file goes on, and is told to nobody.
    void cancel();
    // The software has it: too late to take the order back.
    bool is_applying() const { return is_applying_; }

private:
    void upload(const Order& order);
    void convert(const Order& order, std::string body);
    void apply(const Order& order, UtcTime now, std::string body);
    void tell(const Result<Done, TransferFault>& result);
    // `f` as long as this start is the last.
    template <class F>
    auto mine(F f);

    Configurator& configurator_;
    const Settings& settings_;
    FileTransfer transfer_;
    Then then_;
    std::uint32_t run_ = 0;  // one a start
    bool is_applying_ = false;
};

// TargetFileName, else the last part of the URL's path.
std::string file_name(const Order& order);

}  // namespace sluice::agent::management
