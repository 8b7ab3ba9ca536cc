#include "acs-plugin/cwmp/shared_port.hpp"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sluice::cwmp::acs {
namespace {

using boost::asio::ip::tcp;

constexpr int kBacklog = 512;

// Which socket of the group: a hash of the client's address, of IPv6 its /64. Classic BPF, run by
// the kernel for each SYN; offsets behind SKF_NET_OFF count from the IP header.
bool choose_by_address(int socket, bool is_v6, unsigned count) {
    const auto source = static_cast<std::uint32_t>(SKF_NET_OFF) + (is_v6 ? 8 : 12);
    const auto second = static_cast<std::uint32_t>(SKF_NET_OFF) + (is_v6 ? 12 : 12);
    std::array<sock_filter, 9> program{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, second),
        BPF_STMT(BPF_MISC | BPF_TAX, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, source),
        BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 0x9e3779b1),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
        BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 0x85ebca6b),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
        BPF_STMT(BPF_RET | BPF_A, 0),
    }};
    const sock_fprog filter{program.size(), program.data()};
    return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter) == 0;
}

}  // namespace

Result<std::vector<int>> listen_together(const net::ListenAddress& address, unsigned count) {
    boost::system::error_code ec;
    const auto ip = boost::asio::ip::make_address(address.address, ec);
    if (ec) return Error{"listening on " + address.text() + ": " + ec.message()};
    tcp::endpoint at(ip, address.port);
    std::vector<int> out;
    const auto fail = [&] {
        const auto why = "listening on " + address.text() + ": " + std::strerror(errno);
        for (const auto fd : out) ::close(fd);
        return Error{why};
    };
    for (unsigned i = 0; i < count; ++i) {
        const int fd = ::socket(at.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) return fail();
        out.push_back(fd);
        const int on = 1;
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (ip.is_v6()) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        const bool is_listening = ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
                                  ::bind(fd, at.data(), static_cast<socklen_t>(at.size())) == 0 &&
                                  ::listen(fd, kBacklog) == 0;
        if (!is_listening) return fail();
        // Port 0 was asked: the others take what the first got.
        auto length = static_cast<socklen_t>(at.capacity());
        if (i == 0 && ::getsockname(fd, at.data(), &length) != 0) return fail();
    }
    if (!choose_by_address(out.front(), ip.is_v6(), count)) return fail();
    return out;
}

}  // namespace sluice::cwmp::acs
