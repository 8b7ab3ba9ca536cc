#pragma once
// One order carried out, from its first byte to its outcome. Blocking, on the device's worker.

#include <atomic>
#include <functional>

#include "acs-plugin/iad/device/device.hpp"

namespace sluice::iad {

class Work {
public:
    // `on_progress`: percents. `is_stopped`: give up at the next byte.
    Work(const DeviceOptions& options, std::function<void(std::uint32_t)> on_progress,
         const std::atomic<bool>& is_stopped);

    // A reset or roll-back that succeeds may not return.
    Outcome carry_out(const Order& order, const FileServer& server);
    Facts look();

private:
    Result<Outcome> do_it(const Order& order, const FileServer& server);
    Result<Outcome> back_up(const Order& order, const FileServer& server);
    Result<Outcome> convert(const Order& order, const FileServer& server);
    Result<void> fetch(const Order& order, const FileServer& server);
    Result<void> call(const std::string& name, const std::string& hook,
                      const std::vector<std::string>& arguments);
    Result<Outcome> send(const Order& order, const FileServer& server);
    std::string first_line(const std::string& hook);
    std::string path(const char* name) const { return options_.state + "/" + name; }

    const DeviceOptions& options_;
    Mover mover_;
    bool is_refusal_ = false;
};

}  // namespace sluice::iad
