#include "acs-plugin/iad/mover.hpp"

#include <cerrno>
#include <cstring>
#include <curl/curl.h>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::iad {
namespace {

struct Transfer {
    int fd = -1;
    std::uint64_t moved = 0, expected = 0, most = 0;
    bool is_too_long = false, is_stopped = false;
    int error = 0;
    const std::function<bool(std::uint32_t)>* on_progress = nullptr;

    bool go_on() {
        const auto percent =
            expected == 0 ? 0 : std::min<std::uint64_t>(99, moved * 100 / expected);
        is_stopped = !(*on_progress)(static_cast<std::uint32_t>(percent));
        return !is_stopped;
    }
    ~Transfer() {
        if (fd >= 0) ::close(fd);
    }
};

std::size_t on_received(char* bytes, std::size_t one, std::size_t count, void* state) {
    auto& to = *static_cast<Transfer*>(state);
    const auto length = one * count;
    if (to.moved + length > (to.expected > 0 ? to.expected : to.most)) {
        to.is_too_long = true;
        return 0;
    }
    for (std::size_t at = 0; at < length;) {
        const auto written = ::write(to.fd, bytes + at, length - at);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            to.error = errno;
            return 0;
        }
        at += static_cast<std::size_t>(written);
    }
    to.moved += length;
    return to.go_on() ? length : 0;
}

std::size_t on_wanted(char* into, std::size_t one, std::size_t count, void* state) {
    auto& from = *static_cast<Transfer*>(state);
    const auto got = ::read(from.fd, into, one * count);
    if (got < 0) {
        from.error = errno;
        return CURL_READFUNC_ABORT;
    }
    from.moved += static_cast<std::uint64_t>(got);
    return from.go_on() ? static_cast<std::size_t>(got) : CURL_READFUNC_ABORT;
}

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

std::string url_of(const FileServer& server, const std::string& name) {
    const bool is_v6 = server.host.find(':') != std::string::npos;
    auto url = std::string(server.protocol == Protocol::ftp ? "ftp://" : "tftp://") +
               (is_v6 ? "[" + server.host + "]" : server.host);
    if (server.port != 0) url += ":" + std::to_string(server.port);
    // TFTP knows names, not paths from a root; %2F would make FTP's path absolute.
    return url + "/" + server.directory + name;
}

long seconds(Duration d) {
    return static_cast<long>(std::chrono::duration_cast<std::chrono::seconds>(d).count());
}

Handle handle_for(const FileServer& server, const std::string& name, const MoverLimits& limits,
                  char* complaint) {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    Handle curl(curl_easy_init(), &curl_easy_cleanup);
    auto* c = curl.get();
    curl_easy_setopt(c, CURLOPT_URL, url_of(server, name).c_str());
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "tftp,ftp");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, seconds(limits.stall));
    curl_easy_setopt(c, CURLOPT_TIMEOUT, seconds(limits.time));
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, seconds(limits.stall));
    curl_easy_setopt(c, CURLOPT_TFTP_BLKSIZE, static_cast<long>(server.block_size));
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, complaint);
    if (!server.user.empty()) {
        curl_easy_setopt(c, CURLOPT_USERNAME, server.user.c_str());
        curl_easy_setopt(c, CURLOPT_PASSWORD, server.password.c_str());
    }
    return curl;
}

Result<void> verdict(CURLcode code, const Transfer& transfer, const std::string& name,
                     const char* complaint) {
    if (transfer.is_too_long) return Error{name + ": is longer than it should be"};
    if (transfer.error != 0) return Error{name + ": " + std::strerror(transfer.error)};
    if (transfer.is_stopped) return Error{name + ": stopped"};
    if (code != CURLE_OK)
        return Error{name + ": " + (*complaint != '\0' ? complaint : curl_easy_strerror(code))};
    return success();
}

}  // namespace

Result<void> Mover::fetch(const FileServer& from, const std::string& name, std::uint64_t length,
                          const std::string& path) {
    if (length > limits_.bytes) return Error{name + ": is longer than this device takes"};
    Transfer transfer;
    transfer.on_progress = &on_progress_;
    transfer.expected = length;
    transfer.most = limits_.bytes;
    transfer.fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (transfer.fd < 0) return Error{path + ": " + std::strerror(errno)};
    char complaint[CURL_ERROR_SIZE] = "";
    const auto curl = handle_for(from, name, limits_, complaint);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, on_received);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &transfer);
    SLUICE_CHECK(verdict(curl_easy_perform(curl.get()), transfer, name, complaint));
    if (length > 0 && transfer.moved != length)
        return Error{name + ": has " + std::to_string(transfer.moved) + " bytes, not " +
                     std::to_string(length)};
    return success();
}

Result<void> Mover::send(const FileServer& to, const std::string& name, const std::string& path) {
    Transfer transfer;
    transfer.on_progress = &on_progress_;
    transfer.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat is {};
    if (transfer.fd < 0 || ::fstat(transfer.fd, &is) != 0)
        return Error{path + ": " + std::strerror(errno)};
    transfer.expected = static_cast<std::uint64_t>(is.st_size);
    char complaint[CURL_ERROR_SIZE] = "";
    const auto curl = handle_for(to, name, limits_, complaint);
    curl_easy_setopt(curl.get(), CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_READFUNCTION, on_wanted);
    curl_easy_setopt(curl.get(), CURLOPT_READDATA, &transfer);
    curl_easy_setopt(curl.get(), CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(is.st_size));
    return verdict(curl_easy_perform(curl.get()), transfer, name, complaint);
}

}  // namespace sluice::iad
