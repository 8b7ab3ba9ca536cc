#pragma once
// The fleet from inside: the devices, the heap of what is due, sessions and transfers that are
// open. fleet.cpp runs it, fleet_sessions.cpp speaks, fleet_orders.cpp does what was ordered.

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <unordered_map>

#include "engine/net/client_tls.hpp"
#include "sim/fleet/calls.hpp"
#include "sim/fleet/device_words.hpp"
#include "sim/fleet/fleet.hpp"
#include "sim/fleet/session.hpp"
#include "sim/fleet/transfer.hpp"
#include "sim/network/indexed_heap.hpp"

namespace sluice::sim::fleet {

struct Fleet::Impl final : SessionListener, CallTaker {
    explicit Impl(const FleetSettings& its_settings);
    ~Impl() override;

    // --- running (fleet.cpp)
    Result<void> start();
    FleetResult run(const std::function<void(const FleetProgress&)>& show);
    void arm();
    void on_timer();
    void set_due(DeviceNumber d);
    void on_due(DeviceNumber d);
    void boot(DeviceNumber d, bool is_upgraded = false);
    void begin_measurement();
    bool is_enough() const;
    double part() const;
    void check_end();
    void end(bool is_complete);
    void stop_when_idle();
    FleetResult result() const;
    VersionNumber version_number(const std::string& name);

    // --- sessions (fleet_sessions.cpp)
    void poke(DeviceNumber d, const cwmp::ScheduleEvent& event);
    void want_session(DeviceNumber d, const cwmp::BeginSession& how);
    void begin_waiting();
    void begin_session(DeviceNumber d, const cwmp::BeginSession& how);
    void pad(cwmp::Inform& inform);
    DeviceFacts facts(DeviceNumber d) const;
    void after_session(DeviceNumber d, const cwmp::SessionOver& how);
    cwmp::Message execute(DeviceNumber d, const cwmp::Message& request) override;
    void inform_delivered(DeviceNumber d) override;
    void transfer_delivered(DeviceNumber d, const std::string& command_key) override;
    void session_over(DeviceNumber d, const cwmp::SessionOver& how,
                      const SessionTrouble& trouble) override;
    std::optional<DeviceNumber> called_at(std::string_view target) const override;
    http::Credentials call_credentials(DeviceNumber d) const override;
    CallVerdict called(DeviceNumber d) override;
    void call_denied() override { ++tally.calls_denied; }

    // --- orders (fleet_orders.cpp)
    cwmp::Message take_download(DeviceNumber d, const cwmp::Download& request);
    cwmp::Message cancel_transfer(DeviceNumber d, const cwmp::CancelTransfer& request);
    void on_step_over(DeviceNumber d);
    void begin_order(DeviceNumber d);
    void on_assignment(DeviceNumber d,
                       Result<std::optional<planning::Assignment>, TransferTrouble> answer);
    void take_assignment(Order& order, const planning::Assignment& assignment);
    void begin_plain(DeviceNumber d);
    void choose_source(DeviceNumber d);
    bool try_peer(DeviceNumber d, const Source& source);
    void fetch(DeviceNumber d, const Source& source);
    void begin_waiting_fetches();
    void on_fetched(DeviceNumber d, Result<std::uint64_t, TransferTrouble> result);
    void copy(DeviceNumber d, double bps, bool is_from_peer);
    void have_image(DeviceNumber d);
    void flip(DeviceNumber d);
    void come_back(DeviceNumber d);
    void finish_order(DeviceNumber d, std::uint32_t fault, const std::string& why);
    void drop_order(DeviceNumber d);
    void end_transfer(DeviceNumber d);
    void wake_neighbours(DeviceNumber d);
    ImageNumber image_number(const std::string& id);
    void reboot(DeviceNumber d);

    const FleetSettings settings;
    const Identities identities;
    const DeviceWords words;
    boost::asio::io_context io{1};
    net::ClientTls tls;
    boost::asio::steady_timer timer, show_timer, end_timer;
    boost::asio::signal_set signals;
    std::unique_ptr<Calls> calls;

    std::vector<Device> devices;
    network::IndexedHeap heap;  // by Device::due
    std::vector<std::string> versions;
    std::vector<std::string> images;  // ids
    std::string acs_url;              // of the one logical ACS

    struct Waiting {
        DeviceNumber device;
        cwmp::BeginSession how;
    };
    std::deque<Waiting> queue;  // for a place among those that are open
    std::unordered_map<DeviceNumber, std::unique_ptr<Session>> sessions;
    std::unordered_map<DeviceNumber, std::unique_ptr<Transfer>> transfers;
    std::deque<DeviceNumber> fetch_queue;
    std::unordered_map<DeviceNumber, std::vector<DeviceNumber>> waiting_for;  // a neighbour's image

    Tally tally;
    std::uint64_t warm_up_left = 0;
    Instant began, last_session;
    double own_cpu_began = 0, acs_cpu_began = 0;
    std::uint64_t bytes_per_device = 0;
    std::uint32_t rounds_done = 0, at_target = 0, lost = 0, reached = 0;
    std::uint32_t padding = 0;  // parameters to add to an Inform
    bool is_ending = false, is_complete = true, is_armed = false;
    Instant armed_for = Instant::never();
};

Instant steady_now();

}  // namespace sluice::sim::fleet
