#pragma once
// All that this device remembers of its management, across reboots, kills and power cuts: one
// value, one small file. What a cut leaves is the value before or the value after a write, never a
// part of one; ledger.hpp writes it and says when.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/cwmp/cpe_events.hpp"
#include "engine/image/digest.hpp"
#include "engine/serving/credentials.hpp"

namespace sluice::agent::management {

enum class OrderKind : std::uint8_t {
    stage,
    upgrade,
    configure,
    // Of later versions of this agent: kept apart in the file, where an earlier one passes them
    // over.
    convert,
    upload,
    upload_converted,
};

enum class OrderPhase : std::uint8_t {
    waiting,     // for its turn, its time, its bytes: what was fetched is in the store
    installing,  // the inactive slot may have been written, and may boot next
    rebooting,   // it boots next
    trial,       // it was healthy once, and has no accepted Inform yet
};

enum class WindowMode : std::uint8_t { at_any_time, immediately, when_idle };

// When a ScheduleDownload may be done (TR-069 A.4.1.8).
struct OrderWindow {
    UtcTime start, end;
    WindowMode mode = WindowMode::immediately;
    std::int32_t most_retries = -1;  // -1: as many as we like
    friend bool operator==(const OrderWindow&, const OrderWindow&) = default;
};

// A transfer that was taken and is not finished. What is finished and not yet acknowledged stands
// in DeviceState::events.
struct Order {
    std::uint32_t number = 0;  // of ours: a CommandKey may be empty
    OrderKind kind = OrderKind::stage;
    OrderPhase phase = OrderPhase::waiting;
    std::string command_key, url, username, password, assignment_url, target_file_name;
    std::uint64_t file_size = 0;
    UtcTime received, not_before;      // by this device's clock
    std::vector<OrderWindow> windows;  // at most two that are not over; none: at not_before
    bool has_windows = false;          // it came with some
    // From `installing` on: what was installed, and whether the slot held it before.
    image::Digest image_sha256;
    std::string version;
    UtcTime created;
    bool was_in_slot = false;
    std::string boot_id;  // of the kernel that was to reboot, where a vendor's command installed
    std::string note;     // why a trial went wrong
    friend bool operator==(const Order&, const Order&) = default;
};

// By which RPC it came.
cwmp::TransferKind transfer_of(const Order& order);

// What software a slot holds, by the SHA-256 that the boot record knows it by.
struct SlotSoftware {
    image::Digest sha256;
    std::string version;
    UtcTime created;
    friend bool operator==(const SlotSoftware&, const SlotSoftware&) = default;
};

// An image that goes on being served, and on which terms.
struct RetainedImage {
    image::ImageId id;
    UtcTime until;
    serving::Key key{};
    std::uint32_t slots = 0, reserved_slots = 0, cpu_gate_percent = 0;
    std::uint64_t rate_cap_bps = 0;
    std::string swarm;  // the section of its Assignment, as JSON; empty: none
    friend bool operator==(const RetainedImage&, const RetainedImage&) = default;
};

struct LastTransfer {
    std::string state = "Idle";  // X_SLUICE_PeerDownload.State while nothing is under way
    std::string role = "None";
    std::uint64_t peer_bytes = 0, origin_bytes = 0, fetch_ms = 0;
    friend bool operator==(const LastTransfer&, const LastTransfer&) = default;
};

struct DeviceState {
    cwmp::CpeEvents events;
    std::vector<Order> orders;  // in the order they came
    std::uint32_t next_order = 1;
    std::map<std::string, std::string, std::less<>>
        parameters;  // that the ACS set, by relative path
    std::string parameter_key;
    std::string informed_version;  // the SoftwareVersion that the ACS last took
    std::vector<SlotSoftware> software;
    std::vector<RetainedImage> retained;
    LastTransfer last;
    std::string vendor_version;  // that a vendor's command installed
    std::string boot_slot;       // "a" or "b": what the ACS wants to boot next
    image::Digest failed_image;  // that did not stand its trial, and why
    std::string failure;
    std::string owed_reboot;    // after a configuration, to a kernel of this boot id
    UtcTime committed_created;  // of the manifest of the last committed image
    UtcTime told;               // the ACS's last word
    bool has_acs_spoken = false;
    bool is_reset_ordered = false;                     // and not done
    bool expects_boot = false;                         // we asked for the next one
    std::string connection_path;                       // random, made once
    std::uint16_t peer_port = 0, connection_port = 0;  // where port 0 led to
    friend bool operator==(const DeviceState&, const DeviceState&) = default;
};

// What a factory reset leaves: what the slots hold, and the ports and paths that others know.
DeviceState after_reset(const DeviceState& state);

inline constexpr std::size_t kMaxStateBytes = 256 * 1024;

std::string to_json(const DeviceState& state);
// Refused: another major version, a member of the wrong kind, what is out of bounds. Unknown
// members are ignored: the image that this device falls back to reads what a later one wrote.
Result<DeviceState> parse_state(std::string_view text);

}  // namespace sluice::agent::management
