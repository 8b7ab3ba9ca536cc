#include "tests/bench/serving/server_processes.hpp"

#include <arpa/inet.h>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/clock.hpp"
#include "agent/peer_server.hpp"

namespace sluice::bench {
namespace {

std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(fd);
    return ntohs(address.sin_port);
}

bool is_listening(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_open = ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    ::close(fd);
    return is_open;
}

}  // namespace

ServerProcess start_sluice(const char* argv0, const std::string& file) {
    int out[2];
    if (::pipe(out) != 0) std::abort();
    const auto pid = ::fork();
    if (pid == 0) {
        ::dup2(out[1], 1);
        ::close(out[0]);
        ::execl(argv0, argv0, "--serve", file.c_str(), nullptr);
        std::_Exit(127);
    }
    ::close(out[1]);
    char text[16] = "";
    if (::read(out[0], text, sizeof text - 1) <= 0) std::abort();
    ::close(out[0]);
    return {pid, static_cast<std::uint16_t>(std::atoi(text))};
}

int serve(const std::string& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (fd < 0 || ::fstat(fd, &status) != 0) return 1;
    const auto length = static_cast<std::uint64_t>(status.st_size);
    const image::PieceLayout layout{length, image::default_piece_length(length)};
    PieceSet verified(layout.piece_count());
    for (std::uint32_t p = 0; p < layout.piece_count(); ++p) verified.insert(PieceIndex{p});

    boost::asio::io_context io(1);
    agent::PeerServerOptions options;
    options.listen = {{"127.0.0.1", 0}};
    options.serving.slots = 64;
    options.http.connections_per_address = 128;
    options.clock = agent::monotonic_now;
    options.utc = [] { return std::optional(UtcTime{1}); };
    options.cpu_percent = [] { return 0u; };
    auto server = agent::PeerServer::start(io, options);
    if (!server.has_value()) return 1;
    agent::ServedImage served;
    served.id = kImage;
    served.layout = layout;
    served.verified = &verified;
    served.fd = fd;
    served.key = kKey;
    if (!server.value()->add_image(served).has_value()) return 1;
    std::printf("%u\n", server.value()->port());
    std::fflush(stdout);
    io.run();
    return 0;
}

std::optional<ServerProcess> start_nginx(const std::string& folder) {
    const auto port = free_port();
    std::ofstream(folder + "/nginx.conf")
        << "daemon off; master_process off; worker_processes 1;\n"
        << "pid " << folder << "/nginx.pid; error_log " << folder << "/error.log crit;\n"
        << "events { worker_connections 1024; }\n"
        << "http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;\n"
        << " open_file_cache max=16; open_file_cache_valid 1h;\n"
        << " client_body_temp_path " << folder << "/b; proxy_temp_path " << folder << "/p;\n"
        << " fastcgi_temp_path " << folder << "/f; uwsgi_temp_path " << folder << "/u;\n"
        << " scgi_temp_path " << folder << "/s; default_type application/octet-stream;\n"
        << " server { listen 127.0.0.1:" << port << " backlog=512; root " << folder << "; } }\n";
    const auto pid = ::fork();
    if (pid == 0) {
        const auto conf = folder + "/nginx.conf";
        ::freopen("/dev/null", "w", stderr);
        ::execlp("nginx", "nginx", "-p", folder.c_str(), "-c", conf.c_str(), nullptr);
        std::_Exit(127);
    }
    for (int i = 0; i < 300 && !is_listening(port); ++i) {
        if (::waitpid(pid, nullptr, WNOHANG) == pid) return std::nullopt;
        ::usleep(10000);
    }
    return ServerProcess{pid, port};
}

void stop(const ServerProcess& server) {
    ::kill(server.pid, SIGKILL);
    ::waitpid(server.pid, nullptr, 0);
}

// User and kernel time of its one thread, in the scheduler's nanoseconds: /proc/<pid>/stat counts
// the same in ticks of 10 ms, too coarse for one second.
double cpu_seconds(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/schedstat");
    double nanoseconds = 0;
    if (in >> nanoseconds && nanoseconds > 0) return nanoseconds * 1e-9;
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string skipped;
    double user = 0, kernel = 0;
    for (int field = 1; field < 14; ++field) stat >> skipped;
    stat >> user >> kernel;
    return (user + kernel) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

long resident_kib(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/statm");
    long total = 0, resident = 0;
    in >> total >> resident;
    return resident * (::sysconf(_SC_PAGESIZE) / 1024);
}

void pin_to_core(pid_t pid, int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(core), &set);
    ::sched_setaffinity(pid, sizeof set, &set);
}

}  // namespace sluice::bench
