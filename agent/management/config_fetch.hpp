#pragma once
// A vendor's configuration file: fetched whole, durable in the state folder as `config`. What is
// done with it is the device's own (R1.5: no reboot).
//
// I/O thread; the file is written on the worker.

#include <functional>
#include <memory>

#include "agent/disk/disk.hpp"
#include "agent/management/device_state.hpp"
#include "agent/management/settings.hpp"
#include "agent/management/transfer_fault.hpp"
#include "agent/worker.hpp"
#include "engine/net/client_auth.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::agent::management {

class ConfigFetch {
public:
    using Then = std::function<void(Result<void, TransferFault>)>;

    ConfigFetch(boost::asio::io_context& io, net::ClientTls& tls, Worker& worker, disk::Disk& disk,
                const Settings& settings)
        : io_(io), tls_(tls), worker_(worker), disk_(disk), settings_(settings) {}

    void start(const Order& order, Then then);
    void cancel();

private:
    void speak_as(http::Credentials who);
    void send(net::Url url);
    void on_answer(const Result<net::ClientAnswer, net::ClientError>& answer);
    void store(std::string body);
    void tell(Result<void, TransferFault> result);

    boost::asio::io_context& io_;
    net::ClientTls& tls_;
    Worker& worker_;
    disk::Disk& disk_;
    const Settings& settings_;
    Then then_;
    net::Url asked_;
    std::uint64_t wanted_bytes_ = 0;
    unsigned redirects_ = 0;
    std::uint32_t run_ = 0;  // one a start: what the worker ends late is another one's
    std::unique_ptr<net::ClientAuth> auth_;
    std::unique_ptr<net::HttpClient> client_;
};

// What VendorConfigFile.1 says of it: TargetFileName, else the last part of the URL's path.
std::string config_name(const Order& order);

}  // namespace sluice::agent::management
