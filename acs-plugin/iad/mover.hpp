#pragma once
// Files between the device and the server that it was given, by TFTP or FTP (libcurl). Nothing is
// believed of a server: a file that is longer than announced, stalls or comes too slowly is given
// up. Blocking: not on a thread that talks SNMP.

#include <functional>
#include <string>

#include "acs-plugin/iad/words.hpp"
#include "engine/base/result.hpp"
#include "engine/base/time.hpp"

namespace sluice::iad {

struct MoverLimits {
    Duration time = std::chrono::hours(1);
    Duration stall = std::chrono::seconds(30);  // without a byte
    std::uint64_t bytes = 512ULL * 1024 * 1024;
};

class Mover {
public:
    // `on_progress` is told percents, from 0 to 100, and says whether to go on.
    Mover(MoverLimits limits, std::function<bool(std::uint32_t)> on_progress)
        : limits_(limits), on_progress_(std::move(on_progress)) {}

    // `length`: as announced; 0: not. The file at `path` is written anew; not synced.
    Result<void> fetch(const FileServer& from, const std::string& name, std::uint64_t length,
                       const std::string& path);
    Result<void> send(const FileServer& to, const std::string& name, const std::string& path);

private:
    MoverLimits limits_;
    std::function<bool(std::uint32_t)> on_progress_;
};

}  // namespace sluice::iad
