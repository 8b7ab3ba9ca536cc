#pragma once
// A ClientConnection with sinks that remember what they were told.

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/net/client_auth.hpp"
#include "engine/net/client_connection.hpp"
#include "engine/net/client_tls.hpp"

namespace sluice::tests {

struct RecordingSink final : net::BodySink {
    std::string body;
    bool has_ended = false;
    std::optional<net::FetchFault> fault;
    Duration retry_after{};
    std::string why;
    std::size_t room_left = 1 << 20;  // 0: none at the moment
    std::vector<std::uint8_t> memory = std::vector<std::uint8_t>(64);

    bool is_over() const { return has_ended || fault.has_value(); }

    std::span<std::uint8_t> room() override {
        return {memory.data(), std::min(room_left, memory.size())};
    }
    void on_bytes(std::size_t count) override {
        body.append(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(count));
        room_left -= count;
    }
    void on_end() override { has_ended = true; }
    void on_fault(net::FetchFault its_fault, Duration retry, const std::string& reason) override {
        fault = its_fault;
        retry_after = retry;
        why = reason;
    }
};

class ClientRig {
public:
    explicit ClientRig(const net::ClientOptions& options = {}, http::Credentials credentials = {},
                       net::BasicPolicy basic = net::BasicPolicy::refused,
                       const std::string& ca_file = "")
        : tls_(ca_file),
          auth_(std::move(credentials), basic),
          connection_(io_, tls_, auth_, options) {}

    // Asks for [begin, end) of `total` bytes; end 0 asks for everything up to `total`.
    RecordingSink& get(const std::string& url, std::uint64_t begin = 0, std::uint64_t end = 0,
                       std::uint64_t total = 1 << 20) {
        auto& sink = *sinks_.emplace_back(std::make_unique<RecordingSink>());
        connection_.get(static_cast<std::uint32_t>(sinks_.size()),
                        {net::parse_url(url).value(), {begin, end}, total}, sink);
        return sink;
    }
    net::ClientConnection& connection() { return connection_; }

    // Until `is_done`, or for ten seconds; says whether it came.
    template <class Condition>
    bool run_until(Condition is_done) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!is_done()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            io_.restart();
            io_.run_one_for(std::chrono::milliseconds(50));
        }
        return true;
    }
    bool run_to_end() {
        return run_until([this] {
            return std::all_of(sinks_.begin(), sinks_.end(),
                               [](const auto& sink) { return sink->is_over(); });
        });
    }

private:
    boost::asio::io_context io_{1};
    net::ClientTls tls_;
    net::ClientAuth auth_;
    net::ClientConnection connection_;
    std::vector<std::unique_ptr<RecordingSink>> sinks_;
};

}  // namespace sluice::tests
