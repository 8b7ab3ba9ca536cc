// The endpoint on several threads: one port, one desk on its own thread, and sessions that find
// their thread again.

#include "acs-plugin/cwmp/endpoint_pool.hpp"

#include <gmock/gmock.h>
#include <thread>

#include "acs-plugin/cwmp/shared_port.hpp"
#include "tests/acs/cwmp/endpoint_rig.hpp"

namespace sluice::cwmp::acs {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// Notes on which thread it was asked.
class ThreadedRig {
public:
    explicit ThreadedRig(unsigned threads, std::size_t sessions = 4096) {
        EndpointOptions options;
        options.listen = {{"127.0.0.1", 0}};
        options.sessions = sessions;
        options.terms.mapping = mapping::built_in_mapping();
        options.terms.mapping.asked.clear();
        options.terms.mapping.asks_for_agent = false;
        options.clock = [] { return Instant{std::chrono::steady_clock::now().time_since_epoch()}; };
        options.random = [](std::span<std::uint8_t> out) {
            (void)!getrandom(out.data(), out.size(), 0);
        };
        thread.run([&] {
            pool = EndpointPool::start(thread.io(), desk, std::move(options), threads).value();
            port = pool->port();
        });
    }
    ~ThreadedRig() {
        thread.run([this] { pool.reset(); });
    }

    FakeDesk desk;
    std::uint16_t port = 0;
    std::unique_ptr<EndpointPool> pool;
    tests::IoThread thread;
};

TEST(EndpointPool, HoldsSessionsOfManyDevicesOnEveryNumberOfThreads) {
    for (const unsigned threads : {0u, 1u, 3u}) {
        ThreadedRig rig(threads);
        std::vector<std::thread> devices;
        std::atomic<int> good = 0;
        for (int d = 0; d < 12; ++d)
            devices.emplace_back([&rig, &good, d] {
                for (int i = 0; i < 10; ++i) {
                    Cpe cpe(rig.port);
                    const auto inform = body_of(an_inform("S" + std::to_string(d)));
                    if (said(cpe.post(inform).body) == "InformResponse" &&
                        cpe.post("").status == 204)
                        ++good;
                }
            });
        for (auto& device : devices) device.join();
        EXPECT_EQ(good, 120) << threads;
        EXPECT_THAT(rig.thread.run([&] { return rig.desk.contacts; }), SizeIs(120));
    }
}

TEST(EndpointPool, FindsASessionAgainThatOpensANewConnectionForEachPost) {
    ThreadedRig rig(4);
    for (std::uint32_t from = 2; from < 12; ++from) {
        std::string cookie;
        for (const auto& body : {body_of(an_inform("S" + std::to_string(from))), std::string()}) {
            tests::RawClient client(rig.port, 0, from);
            client.send("POST / HTTP/1.1\r\nHost: x\r\n" + cookie +
                        "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
            const auto answer = client.receive_answer();
            EXPECT_EQ(answer.status, body.empty() ? 204 : 200) << from;
            const auto at = answer.head.find("Set-Cookie: ");
            ASSERT_NE(at, std::string::npos);
            cookie = "Cookie: " + answer.head.substr(at + 12, answer.head.find(';', at) - at - 12) +
                     "\r\n";
        }
    }
    EXPECT_THAT(rig.thread.run([&] { return rig.desk.contacts; }), SizeIs(10));
}

TEST(EndpointPool, AsksTheDeskOnItsOwnThreadAndCarriesItsOrders) {
    ThreadedRig rig(2);
    rig.thread.run([&] { rig.desk.orders = {an_upgrade("k1")}; });
    Cpe cpe(rig.port);
    cpe.post(body_of(an_inform()));
    ASSERT_EQ(said(cpe.post("").body), "Download");
    cpe.post(body_of(cwmp::DownloadResponse{1, "", ""}, "sluice-1"));
    cpe.post(body_of(an_inform()));
    EXPECT_EQ(said(cpe.post(body_of(a_transfer("k1"))).body), "TransferCompleteResponse");
    const auto transfers = rig.thread.run([&] { return rig.desk.transfers; });
    ASSERT_THAT(transfers, SizeIs(1));
    EXPECT_EQ(transfers[0].key, "k1");
}

TEST(EndpointPool, CountsWhatAllItsThreadsDid) {
    ThreadedRig rig(2);
    for (std::uint32_t from = 2; from < 10; ++from) {
        tests::RawClient client(rig.port, 0, from);
        const auto body = body_of(an_inform("S" + std::to_string(from)));
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\n\r\n" + body);
        EXPECT_EQ(client.receive_answer().status, 200);
    }
    for (int i = 0; i < 500; ++i) {
        if (rig.thread.run([&] { return rig.pool->counters().sessions; }) == 8) break;
        ::usleep(10'000);
    }
    EXPECT_EQ(rig.thread.run([&] { return rig.pool->counters().sessions; }), 8u);
    EXPECT_EQ(rig.thread.run([&] { return rig.pool->http_counters().requests; }), 8u);
}

TEST(SharedPort, SaysWhichAddressCannotBeHad) {
    const auto refused = listen_together({"192.0.2.1", 7547}, 2);
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().message, HasSubstr("192.0.2.1:7547"));
    EXPECT_FALSE(listen_together({"nonsense", 1}, 2).has_value());
    const auto v6 = listen_together({"::1", 0}, 3);
    if (v6.has_value())
        for (const auto fd : v6.value()) ::close(fd);
}

}  // namespace
}  // namespace sluice::cwmp::acs
