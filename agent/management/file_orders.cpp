#include "agent/management/file_orders.hpp"

namespace sluice::agent::management {
namespace {

// The first line of a configuration that a device has to start again for.
constexpr std::string_view kRebootLine = "#!reboot";

bool asks_for_reboot(std::string_view file) {
    const auto line = file.substr(0, file.find_first_of("\r\n"));
    return line == kRebootLine;
}

// TR-069 A.5: whatever befalls an upload is 9011, but for the credentials.
TransferFault as_upload(TransferFault fault) {
    if (fault.code != cwmp::FaultCode::file_server_authentication)
        fault.code = cwmp::FaultCode::upload_failure;
    return fault;
}

}  // namespace

std::string file_name(const Order& order) {
    if (!order.target_file_name.empty()) return order.target_file_name;
    const auto path = order.url.substr(0, order.url.find('?'));
    return path.substr(path.rfind('/') + 1);
}

template <class F>
auto FileOrders::mine(F f) {
    return [this, run = run_, f = std::move(f)](const auto& result) {
        if (run == run_) f(result);
    };
}

void FileOrders::start(const Order& order, UtcTime now, Then then) {
    cancel();
    then_ = std::move(then);
    if (order.kind == OrderKind::upload || order.kind == OrderKind::upload_converted)
        return upload(order);
    transfer_.get(order, mine([this, order, now](const Result<std::string, TransferFault>& got) {
                      if (!got) return tell(got.error());
                      if (order.kind == OrderKind::convert) return convert(order, got.value());
                      apply(order, now, got.value());
                  }));
}

void FileOrders::cancel() {
    ++run_;
    transfer_.cancel();
    is_applying_ = false;
    then_ = nullptr;
}

void FileOrders::upload(const Order& order) {
    auto send = mine([this, order](const Result<std::string, TransferFault>& bytes) {
        if (!bytes) return tell(bytes.error());
        transfer_.put(order, bytes.value(),
                      mine([this](const Result<std::string, TransferFault>& answer) {
                          if (!answer) return tell(as_upload(answer.error()));
                          tell(Done{});
                      }));
    });
    if (order.kind == OrderKind::upload_converted)
        return configurator_.read_converted(std::move(send));
    configurator_.read(std::move(send));
}

void FileOrders::convert(const Order& order, std::string body) {
    configurator_.convert(std::move(body), file_name(order),
                          mine([this](const Result<void, TransferFault>& done) {
                              if (!done) return tell(done.error());
                              tell(Done{});
                          }));
}

void FileOrders::apply(const Order& order, UtcTime now, std::string body) {
    is_applying_ = true;
    const bool wants_reboot = settings_.reboots_after_configuration || asks_for_reboot(body);
    // A TargetFileName is the ACS's word for this configuration.
    configuration::Label label{file_name(order), order.target_file_name, now};
    configurator_.apply(std::move(body), std::move(label),
                        mine([this, wants_reboot](const Result<void, TransferFault>& done) {
                            if (!done) return tell(done.error());
                            tell(Done{true, wants_reboot});
                        }));
}

void FileOrders::tell(const Result<Done, TransferFault>& result) {
    is_applying_ = false;
    const auto then = std::exchange(then_, nullptr);
    if (then) then(result);
}

}  // namespace sluice::agent::management
