#pragma once
// What a manager and a device tell one another, as SLUICE-IAD-MIB has it: names, numbers, and where
// they stand in the tree. Both ends of sluice-iad speak through these values alone.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/bytes.hpp"

namespace sluice::iad {

enum class Protocol : std::uint8_t { tftp = 1, ftp = 2 };

struct FileServer {
    Protocol protocol = Protocol::tftp;
    std::string host;
    std::uint16_t port = 0;           // 0: the protocol's own
    std::string user, password;       // of FTP; empty: anonymous
    std::uint32_t block_size = 1428;  // of TFTP, octets
    std::string directory;            // before every name; empty, or ends with "/"
};

enum class Command : std::uint8_t { none, backup, upgrade, reset, roll_back, convert, restore };
inline constexpr std::array<std::string_view, 7> kCommandNames = {
    "none", "backup", "upgrade", "reset", "roll back", "convert", "restore"};

struct Order {
    std::uint32_t number = 0;
    Command command = Command::none;
    std::string file;
    std::uint32_t length = 0;  // of a file to be fetched
    Bytes digest;              // and its SHA-256
    std::string source, program;
};

enum class State : std::uint8_t { idle, running, done, failed, refused };
constexpr bool is_end(State state) {
    return state >= State::done;
}

struct Outcome {
    std::uint32_t number = 0;
    Command command = Command::none;
    State state = State::idle;
    std::uint32_t progress = 0;  // percent
    std::string reason;
    std::uint32_t length = 0;  // of a file that the device wrote
    Bytes digest;
};

// What a device says of itself.
struct Facts {
    std::string version, kept_version;
    bool keeps_image = false, is_healthy = false;
    Bytes configuration;  // SHA-256; empty: cannot be written
};

inline constexpr std::size_t kMaxFileName = 255, kMaxReason = 255, kMaxProgram = 64;

// A name at a file server: letters, digits, ".", "_", "-" and "/", nothing that leads upwards.
bool is_file_name(std::string_view name);

// --- the tree -------------------------------------------------------------------------------

// sluiceIadMIB; below it .1.<group>.<object>.0, and the notifications .0.<number>.
inline constexpr std::array<unsigned long, 10> kRoot = {1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 7547};
enum class Group : std::uint8_t { device = 1, server = 2, order = 3, outcome = 4 };
enum class Notice : std::uint8_t { progressed = 1, ended = 2, started = 3 };

}  // namespace sluice::iad
