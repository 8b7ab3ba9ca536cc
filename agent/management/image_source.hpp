#pragma once
// From a Download to an Assignment: what to fetch, from whom, with a signed manifest. An address of
// ours answers with the device's Assignment when it is asked for one; from any other server (a
// stock ACS's, a neighbour's) the image at the URL itself is the only source, and is taken only
// where a signed manifest lies beside it.
//
// I/O thread only. One question at a time.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/management/device_state.hpp"
#include "agent/management/settings.hpp"
#include "agent/management/transfer_fault.hpp"
#include "engine/net/client_auth.hpp"
#include "engine/net/http_client.hpp"
#include "engine/planning/plan.hpp"

namespace boost::asio {
class io_context;
}

namespace sluice::agent::management {

class ImageSource {
public:
    // Nothing: it is still the one whose ETag was named.
    using Answer = Result<std::optional<planning::Assignment>, TransferFault>;
    using Then = std::function<void(Answer)>;

    // All outlive it.
    ImageSource(boost::asio::io_context& io, net::ClientTls& tls, const Settings& settings)
        : io_(io), tls_(tls), settings_(settings) {}

    // `acs` is who we are to the ACS: for an AssignmentURL, whose server the Download's own
    // credentials need not be for. The manifest in the answer is not verified yet.
    // `etag`: of the Assignment that is known already, or empty.
    void ask(const Order& order, const http::Credentials& acs, const std::string& etag, Then then);
    void cancel();
    // Of the last Assignment that came; empty where there is none.
    const std::string& etag() const { return etag_; }

private:
    void speak_as(http::Credentials who);
    void send(net::Url url, bool wants_assignment);
    void follow(const net::ClientAnswer& answer);
    void on_answer(const Result<net::ClientAnswer, net::ClientError>& answer);
    void on_other_answer(const net::ClientAnswer& answer);
    void ask_for_manifest();
    void on_manifest(const net::ClientAnswer& answer);
    void tell(Answer answer);

    boost::asio::io_context& io_;
    net::ClientTls& tls_;
    const Settings& settings_;
    Then then_;
    Order order_;
    std::string known_etag_, etag_;
    net::Url image_;  // the Download's own URL, where it has one
    net::Url asked_;
    std::vector<net::Url> manifests_;  // where one may lie, still to be asked
    bool is_plain_ = false;            // there is no Assignment: the manifest is asked for
    unsigned redirects_ = 0;
    std::unique_ptr<net::ClientAuth> auth_;
    std::unique_ptr<net::HttpClient> client_;
};

}  // namespace sluice::agent::management
