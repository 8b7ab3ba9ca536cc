#pragma once
// What the planner wants told to one device, in no protocol's words: acs-plugin/mapping makes RPCs
// of it, a plug-in for another ACS its own calls.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace sluice::service {

enum class OrderKind : std::uint8_t {
    stage,      // fetch and keep, install nothing: the vendor FileType (DESIGN §5)
    upgrade,    // fetch, or take what was staged, install and reboot: "1 Firmware Upgrade Image"
    configure,  // "3 Vendor Configuration File": no reboot (R1.5)
    convert,    // a configuration that the device's own program is to convert (R3.5)
};

// The command key is "<Assignment's id>-<n>": of every order it is new; an order that is given
// again keeps its key.
struct DownloadOrder {
    OrderKind kind = OrderKind::upgrade;
    std::string command_key;  // ≤ 32 characters
    std::string url;          // ≤ 256; empty in flow B
    // The device's own place at our origin, "p/<token>/<name>.bin", whoever `url` names: for an ACS
    // that can only send names below a prefix of its own.
    std::string path;
    std::string username, password;
    std::uint64_t file_size = 0;
    std::string target_file_name;
    std::uint32_t delay_seconds = 0;
    // Set on the device before the Download (SetParameterValues); empty: not set.
    std::string assignment_url;
    std::string master_url;  // flow B (R2.6)
};

// Take an order back that has not begun (CancelTransfer); the device may say that it is too late.
struct CancelOrder {
    std::string command_key;
};

// --- of a safe upgrade (acs-plugin/upgrade) -----------------------------------------------------

struct NamedValue {
    std::string name, value;
    friend bool operator==(const NamedValue&, const NamedValue&) = default;
};

// A file of the device's to `url`, by PUT.
struct UploadOrder {
    std::string command_key;
    std::string url, username, password;
    // "3 Vendor Configuration File 1", "1 Vendor Configuration File"; empty: what a convert order
    // made, by the vendor type.
    std::string file_type;
};
struct RebootOrder {
    std::string command_key;
};
// Values are texts. Names are whole, with their root.
struct SetOrder {
    std::string command_key;
    std::vector<NamedValue> values;
};
// Names are whole, with their root; "…." means all below. One that the device does not know is
// missing in the answer, and no fault.
struct ReadOrder {
    std::string command_key;
    std::vector<std::string> names;
    bool asks_methods = false;  // GetRPCMethods too
};

using DeviceOrder =
    std::variant<DownloadOrder, CancelOrder, UploadOrder, RebootOrder, SetOrder, ReadOrder>;

inline const std::string& key_of(const DeviceOrder& order) {
    return std::visit([](const auto& o) -> const std::string& { return o.command_key; }, order);
}

// What the device said to an order.
struct OrderAnswer {
    std::string command_key;
    // Status 0: applied at once, no TransferComplete follows. Of orders that are no transfers: it
    // was done.
    bool is_done = false;
    std::uint32_t fault = 0;  // it refused; 0: it took the order
    std::string why;
    // To a ReadOrder: what there is of its names, and the device's RPCs where they were asked for.
    std::vector<NamedValue> values{};
    std::vector<std::string> methods{};
};

}  // namespace sluice::service
