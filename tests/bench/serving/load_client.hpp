#pragma once
// A load of many keep-alive connections on one thread: each asks for one range after another and
// throws the bytes away unread (MSG_TRUNC), so that the server and not the client is what is
// measured.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/http/basic.hpp"

namespace sluice::bench {

struct Load {
    std::uint16_t port = 0;
    std::string target;
    std::uint64_t length = 0;  // of the file
    unsigned connections = 64;
    std::uint32_t range_bytes = 256 * 1024;
    // Digest, a nonce a connection, as devices do; none: no Authorization at all.
    std::optional<http::Credentials> credentials;
    std::chrono::milliseconds warm_up{200};
    std::chrono::milliseconds time{1000};
};

struct LoadResult {
    std::uint64_t bytes = 0;  // of bodies, in the time after the warm-up
    double seconds = 0;
    std::uint64_t failures = 0;  // answers that were neither 206 nor the first challenge
};

// `at_begin` and `at_end` are called where the measured time begins and ends.
template <class Begin, class End>
LoadResult run_load(const Load& load, Begin at_begin, End at_end);

class LoadClient {
public:
    explicit LoadClient(const Load& load);
    ~LoadClient();
    LoadClient(const LoadClient&) = delete;
    LoadClient& operator=(const LoadClient&) = delete;

    // Runs for so long; body bytes that came meanwhile.
    std::uint64_t run_for(std::chrono::nanoseconds time);
    std::uint64_t failures() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

template <class Begin, class End>
LoadResult run_load(const Load& load, Begin at_begin, End at_end) {
    LoadClient client(load);
    client.run_for(load.warm_up);
    LoadResult out;
    at_begin();
    const auto begin = std::chrono::steady_clock::now();
    out.bytes = client.run_for(load.time);
    out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    at_end();
    out.failures = client.failures();
    return out;
}

}  // namespace sluice::bench
