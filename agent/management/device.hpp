#pragma once
// One managed device: what `sluice-agent run` is. Puts sessions, orders, slots, images,
// configurations and the calls of the ACS around one io_context, and keeps their order: what is
// told is durable first, a slot's configuration is in use before anything else happens in it, an
// image on trial is healthy before the ACS hears of it and committed before it hears of success,
// and nothing reboots inside a session.

#include <memory>
#include <optional>
#include <string>

#include "agent/cpu_sampler.hpp"
#include "agent/disk/disk.hpp"
#include "agent/folder_lock.hpp"
#include "agent/management/alarm.hpp"
#include "agent/management/configurator.hpp"
#include "agent/management/connection_listener.hpp"
#include "agent/management/cwmp_client.hpp"
#include "agent/management/device_clock.hpp"
#include "agent/management/device_model.hpp"
#include "agent/management/ledger.hpp"
#include "agent/management/library.hpp"
#include "agent/management/order_runner.hpp"
#include "agent/management/settings.hpp"
#include "agent/management/upgrader.hpp"
#include "agent/report_file.hpp"
#include "agent/worker.hpp"
#include "engine/cwmp/cpe_schedule.hpp"
#include "engine/net/client_tls.hpp"

namespace sluice::agent::management {

class Device final : private SessionListener, private UpgradeListener {
public:
    Device(boost::asio::io_context& io, const Settings& settings, ReportFile report);
    // Until somebody stops `io`, or a reboot; the program's exit code.
    int run();

private:
    // --- start (device_start.cpp)
    Result<void> lock_folders();
    Result<void> open();
    Result<void> listen();
    void on_boot_settled();
    void settle_boot_wish();
    void settle_upgrade(Order& order);
    void settle_vendor_upgrade(const Order& order);
    void begin_reporting();
    void learn_time();

    // --- sessions
    void poke(const cwmp::ScheduleEvent& event);
    void begin_session(const cwmp::BeginSession& how);
    void report_wanted() { poke(cwmp::ReportWanted{}); }
    void set_period();
    void arm_schedule();
    LiveFacts live_facts();
    void add_slot_facts(LiveFacts& live) const;
    void execute(const cwmp::Message& request, std::function<void(cwmp::Message)> then) override;
    void inform_delivered(Then then) override;
    void transfer_delivered(const std::string& command_key, Then then) override;
    void session_over(const cwmp::SessionOver& how) override;
    void go_on_after_session();
    void acs_said_time(UtcTime at_least) override;

    // --- what the ACS asks
    using Answer = std::function<void(cwmp::Message)>;
    void download(const cwmp::Download& request, const Answer& then);
    void upload(const cwmp::Upload& request, const Answer& then);
    void schedule_download(const cwmp::ScheduleDownload& request, const Answer& then);
    // The answer of the order book, once the order it may have taken is durable.
    void answer_order(cwmp::Message answer, std::size_t orders_before, const std::string& file_type,
                      const Answer& then);
    void set_values(const cwmp::SetParameterValues& request, const Answer& then);
    bool wants_running_slot(const cwmp::SetParameterValues& request) const;
    void call_install_off();
    void cancel_transfer(const cwmp::CancelTransfer& request, const Answer& then);
    void reboot_ordered(const cwmp::Reboot& request, const Answer& then);
    void factory_reset(const Answer& then);
    // The answer once the state is durable, or 9002 and `undo`.
    void save_and_answer(cwmp::Message answer, const Answer& then, std::function<void()> undo);

    // --- what the installer tells
    void on_health(bool is_healthy, const std::string& why) override;
    void on_committed() override;
    void on_fell_back() override;
    void on_reboot_wanted() override;
    void reboot_when_idle();
    void prepare_reboot();
    void go_to_kept();
    void forget_boot_wish(const std::string& failure);
    void go_down();
    void stay_up();

    std::string running_version() const;
    std::string version_in(install::Slot slot) const;

    const Settings& settings_;
    ReportFile report_;
    boost::asio::io_context& io_;
    const std::unique_ptr<disk::Disk> disk_;
    std::optional<FolderLock> state_lock_, store_lock_, slots_lock_;
    DeviceClock clock_;
    net::ClientTls tls_;
    CpuSampler cpu_;
    std::unique_ptr<Ledger> ledger_;
    std::unique_ptr<DeviceModel> model_;
    std::unique_ptr<Worker> worker_;
    std::unique_ptr<Library> library_;
    std::unique_ptr<Upgrader> upgrader_;
    std::unique_ptr<Configurator> configurator_;
    std::unique_ptr<OrderRunner> orders_;
    std::unique_ptr<ConnectionListener> calls_;
    std::string connection_url_;
    CwmpClient client_;
    cwmp::CpeSchedule schedule_;
    Alarm schedule_alarm_, reboot_alarm_;
    std::string version_informed_;  // in the open session's Inform
    bool is_healthy_ = true;
    bool is_boot_wanted_ = false;  // this one: an order's, or the first
    bool is_reboot_wanted_ = false;
    bool is_going_down_ = false;  // no session begins: the reboot would be inside of it
    bool is_period_new_ = false;  // the ACS changed it in this session
    std::optional<cwmp::SessionEnded> held_end_;  // told the schedule unless a reboot comes first
    bool is_reporting_ = false;                   // sessions may begin: the boot is settled
    int exit_code_ = 0;
};

}  // namespace sluice::agent::management
