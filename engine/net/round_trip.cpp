// glibc's own tcp_info ends before min_rtt, and its header does not go with the kernel's.
#include "engine/net/round_trip.hpp"

#include <cstddef>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace sluice::net {

std::optional<Duration> least_round_trip(int socket) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
    if (size < offsetof(tcp_info, tcpi_min_rtt) + sizeof info.tcpi_min_rtt) return std::nullopt;
    if (info.tcpi_min_rtt == ~std::uint32_t{0}) return std::nullopt;  // none yet
    return std::chrono::microseconds(info.tcpi_min_rtt);
}

}  // namespace sluice::net
