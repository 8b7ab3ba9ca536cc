#include "engine/net/input_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace sluice::net {

Result<std::string> read_input_file(const std::string& path, std::size_t max_bytes) {
    const auto failed = [&path] { return Error{path + ": " + std::strerror(errno)}; };
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                               &std::fclose);
    if (!file) return failed();
    // A directory opens, and fails at the first read.
    std::string text;
    char block[4096];
    while (const auto count = std::fread(block, 1, sizeof block, file.get())) {
        text.append(block, count);
        if (text.size() > max_bytes) {
            return Error{path + ": longer than " + std::to_string(max_bytes) + " bytes"};
        }
    }
    if (std::ferror(file.get()) != 0) return failed();
    return text;
}

}  // namespace sluice::net
