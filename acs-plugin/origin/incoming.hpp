#pragma once
// A file on its way into the shelf's folder: under a temporary name until it is whole, synced and
// renamed. Gone when destroyed before. Inside acs-plugin/origin only.

#include <cerrno>
#include <string>
#include <string_view>

#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"

namespace sluice::origin {

// Left by a process that died, these go at the next start.
inline constexpr std::string_view kIncoming = ".incoming-";
// These stay: who fetches the same file goes on from there (arrival.hpp).
inline constexpr std::string_view kPartial = ".partial-";
inline constexpr std::string_view kImage = ".img", kLayer = ".layer";

Error failed(const std::string& path, int code = errno);
Result<void> write_all(int fd, ByteView bytes, const std::string& path);
Result<void> sync_folder(const std::string& folder);

class Incoming {
public:
    static Result<Incoming> create(const std::string& folder, const std::string& name);
    Incoming(Incoming&& other) noexcept;
    Incoming& operator=(Incoming&&) = delete;
    ~Incoming();

    Result<void> write(ByteView bytes) { return write_all(fd_, bytes, path_); }
    Result<void> sync();
    Result<void> rename();

private:
    Incoming(std::string path, std::string name, int fd)
        : path_(std::move(path)), name_(std::move(name)), fd_(fd) {}

    std::string path_, name_;
    int fd_;
};

// A whole one in a step: durable under its name.
Result<void> put_file(const std::string& folder, const std::string& name, ByteView bytes);

}  // namespace sluice::origin
