#pragma once
// A load of HTTP requests over keep-alive connections on loopback: each connection sends its next
// request when the last was answered. One thread; bounded in number and time.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sluice::bench {

struct Outcome {
    double seconds = 0;
    double p50_ms = 0, p99_ms = 0, worst_ms = 0;
    std::size_t answers = 0;
};

class Load {
public:
    Load(std::uint16_t port, std::size_t connections);
    ~Load();
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    // POSTs `bodies` to `path`; `take` gets each answer's body with its place. An answer other than
    // 200 ends the program: what it measures then is worth nothing.
    Outcome run(const std::string& path, const std::vector<std::string>& bodies,
                const std::function<void(std::size_t place, const std::string& body)>& take);
    // One request, and whatever it is answered.
    std::string ask(const std::string& method, const std::string& path, const std::string& body,
                    const std::string& type = "application/json");

private:
    struct Connection {
        int fd = -1;
        std::size_t place = 0;
        std::string in;
        double began = 0;
    };
    void send(Connection& connection, const std::string& head, const std::string& body);
    bool receive(Connection& connection, std::string& answer, int& status);
    std::vector<Connection> connections_;
};

double now_seconds();

}  // namespace sluice::bench
