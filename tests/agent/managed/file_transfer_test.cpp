// A configuration from or to a file server that sends the device elsewhere.
#include "agent/management/file_transfer.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>

#include "engine/net/client_tls.hpp"
#include "engine/net/http_client.hpp"
#include "engine/net/http_server.hpp"
#include "engine/net/server_tls.hpp"
#include "tests/agent/fetch/agent_process.hpp"
#include "tests/net/client/test_certificate.hpp"

namespace sluice::agent::management {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Sends everybody to `leads_to`, or answers where that is empty.
class Signpost final : public net::HttpHandler {
public:
    Signpost(boost::asio::io_context& io, std::shared_ptr<net::ServerTls> tls)
        : is_tls_(tls != nullptr),
          server_(io, *this, {.body_bytes = 1024}, {}, std::move(tls)),
          port_(server_.listen({"127.0.0.1", 0}).value()) {}

    std::string url() const {
        return (is_tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_) +
               "/gw.cfg";
    }
    std::string leads_to;
    std::vector<std::string> asked;

private:
    void on_request(const net::HttpRequest& request, net::ExchangeId id) override {
        asked.push_back(std::string(request.method()) + " " + std::string(request.body()));
        if (leads_to.empty()) return server_.answer(id, {200, {}, "ssid=home"});
        server_.answer(id, {307, {{"Location", leads_to}}, ""});
    }
    void on_sent(net::ExchangeId, std::uint32_t) override {}
    void on_closed(net::ExchangeId) override {}

    const bool is_tls_;
    net::HttpServer server_;
    const std::uint16_t port_;
};

class FileTransfers : public testing::Test {
protected:
    FileTransfers() {
        tests::write_text(file("crt"), own.certificate);
        tests::write_text(file("key"), own.key);
    }
    ~FileTransfers() override {
        for (const auto* end : {"crt", "key"}) std::remove(file(end).c_str());
    }
    std::string file(const std::string& end) const {
        return testing::TempDir() + "sluice-transfer-" + std::to_string(getpid()) + "." + end;
    }
    std::shared_ptr<net::ServerTls> server_tls() const {
        return net::ServerTls::load({file("crt"), file("key"), {}}).value();
    }
    // What came of it, in one line.
    std::string outcome(const Signpost& from, bool may_leave_tls, bool is_put = false) {
        net::ClientTls tls(file("crt"));
        FileTransfer transfer(io, tls, "", may_leave_tls);
        Order order;
        order.url = from.url();
        std::string said;
        const auto then = [&](const Result<std::string, TransferFault>& got) {
            said = got.has_value() ? "got " + got.value() : got.error().why;
        };
        if (is_put)
            transfer.put(order, "ssid=mine", then);
        else
            transfer.get(order, then);
        for (int i = 0; i < 200 && said.empty(); ++i) {
            io.restart();
            io.run_one_for(std::chrono::milliseconds(50));
        }
        return said;
    }

    const tests::TestCertificate own = tests::TestCertificate::make("IP:127.0.0.1");
    boost::asio::io_context io{1};
};

TEST_F(FileTransfers, FollowARedirectButNeverFromHttpsToPlainHttp) {
    Signpost plain(io, nullptr), safe(io, server_tls()), other(io, server_tls());
    plain.leads_to = other.url();
    EXPECT_EQ(outcome(plain, false), "got ssid=home") << "to HTTPS";
    safe.leads_to = other.url();
    EXPECT_EQ(outcome(safe, false), "got ssid=home") << "from one to the other";

    plain.leads_to.clear();
    plain.asked.clear();
    safe.leads_to = plain.url();
    EXPECT_THAT(outcome(safe, false), HasSubstr("leads to plain HTTP"));
    EXPECT_THAT(outcome(safe, false, true), HasSubstr("leads to plain HTTP"));
    EXPECT_THAT(plain.asked, IsEmpty()) << "no configuration leaves TLS";
    EXPECT_EQ(outcome(safe, true), "got ssid=home") << "in a lab";
    EXPECT_THAT(plain.asked, ElementsAre("GET "));
}

}  // namespace
}  // namespace sluice::agent::management
