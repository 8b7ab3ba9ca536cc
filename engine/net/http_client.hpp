#pragma once
// Small HTTP/1.1 exchanges with one server at a time: CWMP sessions, connection requests,
// Assignments, configuration files. The whole answer comes as a value; images go through
// client_connection.hpp instead. The server may be hostile: head, body (before and after gzip or
// deflate), redirects and time are bounded.
//
// A session's exchanges share one TCP connection; a server that closes it cleanly between two gets
// a new one. Challenges are answered here (Digest; Basic by ClientAuth's policy); cookies and
// redirects are the caller's, who knows what they mean.
//
// Single-threaded: everything happens on the io_context's thread; `done` is never called from
// inside send().

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/base/time.hpp"
#include "engine/net/url.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::net {

class ClientAuth;
class ClientTls;

struct HttpClientOptions {
    std::size_t head_bytes = 16 * 1024;
    std::size_t body_bytes = 1024 * 1024;                 // as sent, and again after decompression
    Duration connect_timeout = std::chrono::seconds(10);  // name, TCP and TLS together
    Duration answer_timeout = std::chrono::seconds(60);   // request sent to last byte of the answer
    std::string local_address;  // an IP literal to connect from; empty: the system's choice
};

struct ClientRequest {
    std::string method = "GET";
    Url url;
    std::vector<std::pair<std::string, std::string>> fields;  // beside Host, Content-Length, …
    std::string body;
};

struct ClientAnswer {
    unsigned status = 0;
    std::vector<std::pair<std::string, std::string>> fields;  // names in lower case, as they came
    std::string body;                                         // decompressed
    std::string_view field(std::string_view lower_case_name) const;  // the first; empty: none
};

enum class ClientFault : std::uint8_t {
    unreachable,  // refused, no route, unknown name
    tls,          // certificate, host name, protocol: `why` names which
    timed_out,
    disconnected,
    bad_answer,  // out of bounds or no HTTP
};
struct ClientError {
    ClientFault fault = ClientFault::unreachable;
    std::string why;  // one line that names the server
};

class HttpClient {
public:
    using Done = std::function<void(Result<ClientAnswer, ClientError>)>;

    // All three outlive the client.
    HttpClient(boost::asio::io_context& io, ClientTls& tls, ClientAuth& auth,
               HttpClientOptions options = {});
    ~HttpClient();  // `done` of what is open is not called
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    // One at a time: the former is done. A 401 that can be answered is, once, before `done`.
    void send(ClientRequest request, Done done);
    void close();  // the connection; the next send opens a new one

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::net
