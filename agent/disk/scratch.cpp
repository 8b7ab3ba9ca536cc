#include "agent/disk/scratch.hpp"

#include <cstdio>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace sluice::agent::disk {
namespace {

std::string beside(const std::string& path) {
    return path + ".new";
}

}  // namespace

std::unique_ptr<Scratch> Scratch::make(const std::string& path, std::size_t bytes) {
    const auto unpublished = beside(path);
    ::unlink(unpublished.c_str());
    const int fd = ::open(unpublished.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return nullptr;
    // Not posix_fallocate: where the file system cannot, that writes every page.
    void* at = MAP_FAILED;
    if (::fallocate(fd, 0, 0, static_cast<off_t>(bytes)) == 0)
        at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (at == MAP_FAILED) {
        ::unlink(unpublished.c_str());
        return nullptr;
    }
    return std::unique_ptr<Scratch>(new Scratch(path, {static_cast<std::uint8_t*>(at), bytes}));
}

void Scratch::publish() {
    (void)std::rename(beside(path_).c_str(), path_.c_str());
}

void Scratch::remove() {
    ::unlink(path_.c_str());
}

Scratch::~Scratch() {
    ::munmap(bytes_.data(), bytes_.size());
}

}  // namespace sluice::agent::disk
