#pragma once
// The two servers that are compared, each one process on a core of its own, and what they cost.

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

#include "engine/image/digest.hpp"
#include "engine/image/piece_layout.hpp"
#include "engine/serving/credentials.hpp"

namespace sluice::bench {

inline const serving::Key kKey{7, 7, 7};
inline const image::ImageId kImage{{{0x5a}}};

struct ServerProcess {
    pid_t pid = 0;
    std::uint16_t port = 0;
};

// `argv0` is this program: it starts itself again as the server.
ServerProcess start_sluice(const char* argv0, const std::string& file);
// What the started process does; returns when it is told to end.
int serve(const std::string& file);
// Nothing when there is no nginx. `folder` takes its configuration.
std::optional<ServerProcess> start_nginx(const std::string& folder);
void stop(const ServerProcess& server);

double cpu_seconds(pid_t pid);
long resident_kib(pid_t pid);
void pin_to_core(pid_t pid, int core);

}  // namespace sluice::bench
