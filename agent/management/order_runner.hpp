#pragma once
// Does what was ordered, one order after another in the order they came, each in its time: finds
// out what to fetch, verifies, fetches, installs; or has file_orders do what is about a
// configuration. Where an order stands is in the device state before it matters, so that a kill or
// a power cut at any line finds the way on: what waits is begun again (the store knows what it
// has), what was installed is judged by the boot record.
//
// I/O thread.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/cpu_sampler.hpp"
#include "agent/management/alarm.hpp"
#include "agent/management/device_model.hpp"
#include "agent/management/file_orders.hpp"
#include "agent/management/image_fetch.hpp"
#include "agent/management/image_source.hpp"
#include "agent/management/library.hpp"
#include "agent/management/upgrader.hpp"

namespace sluice::agent::management {

// Everything that an order touches; all outlive the runner.
struct OrderParts {
    boost::asio::io_context& io;
    Worker& worker;
    net::ClientTls& tls;
    const Settings& settings;
    disk::Disk& disk;
    Ledger& ledger;
    DeviceClock& clock;
    DeviceModel& model;
    Library& library;
    Upgrader& upgrader;
    Configurator& configurator;
    CpuSampler& cpu;
    ReportFile& report;
};

class OrderRunner {
public:
    // `on_finished`: an order's result is durable, or it was taken back. `on_reboot`: an image is
    // installed, or a configuration wants it, and that is durable: reboot.
    OrderRunner(const OrderParts& parts, std::function<void()> on_finished,
                std::function<void()> on_reboot);

    // Begins what can begin. After an order was taken, and once at the start.
    void go_on();
    // The order was taken back: drops what is under way for it.
    void taken_back(std::uint32_t number);
    // Its image is being written, or the software has its configuration: too late to take it back.
    bool is_installing(std::uint32_t number) const {
        return current_ == number && activity() == "Installing";
    }
    // "Fetching", "Installing"; empty while nothing is under way.
    std::string_view activity() const {
        return files_.is_applying() ? std::string_view("Installing") : activity_;
    }

    // Its result, durable, then on_finished.
    void finish(std::uint32_t number, const TransferFault& fault);
    void finish_well(std::uint32_t number, const char* state, bool wants_reboot = false);

private:
    Order* current();  // null: it was taken back
    void begin(const Order& order);
    void begin_if_idle(std::uint32_t number);
    void end_of_window();
    void attempt();
    void ask_source();
    void on_assignment(const ImageSource::Answer& answer);
    std::optional<image::Manifest> verify(const planning::Assignment& assignment);
    void fetch(const planning::Assignment& assignment, const image::Manifest& manifest);
    void await_refresh();
    void on_refreshed(const ImageSource::Answer& answer);
    void learn_time(const planning::Assignment& assignment);
    void on_fetched(const Result<FetchResult, TransferFault>& result);
    void install(const std::shared_ptr<StoredImage>& image);
    void leave_and_install(const std::shared_ptr<StoredImage>& image);
    void on_installed(const Result<void>& done);
    void on_file_done(const Result<FileOrders::Done, TransferFault>& result);
    void fail_or_retry(const TransferFault& fault);
    void give_up(const TransferFault& fault);
    void fail(const TransferFault& fault) { finish(*current_, fault); }
    bool waits_for_next_window(const TransferFault& fault);
    void set_result_and_save(std::uint32_t number, const cwmp::FaultStruct& fault,
                             bool wants_reboot = false);
    void drop_current();

    OrderParts parts_;
    const std::function<void()> on_finished_, on_reboot_;
    ImageSource source_, refresher_;
    FileOrders files_;
    Alarm timer_, refresh_alarm_, window_alarm_;
    std::optional<std::uint32_t> current_;
    std::string_view activity_;
    std::optional<planning::Assignment> assignment_;
    std::unique_ptr<ImageFetch> fetch_;
    Instant began_;
    bool was_whole_ = false;  // nothing had to be fetched
    unsigned retries_ = 0;
    bool has_fetched_again_ = false;
    bool is_asking_idle_ = false;
};

}  // namespace sluice::agent::management
