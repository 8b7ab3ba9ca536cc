// Bytes leave as soon as their piece is verified, and not before; a client's place in the queue is
// worth what the client does with it.

#include <gmock/gmock.h>

#include "engine/http/basic.hpp"
#include "engine/http/have.hpp"
#include "tests/agent/peer_server/served_image.hpp"
#include "tests/net/raw_client.hpp"

namespace sluice::agent {
namespace {

using http::PeerResource;
using ::testing::HasSubstr;

constexpr image::PieceLayout kFourPieces{3 * 16384 + 100, 16384};

class CutThrough : public ::testing::Test {
protected:
    std::string get(const std::string& target, const std::string& more = {}) const {
        const auto c = served.credentials();
        return "GET " + target + " HTTP/1.1\r\nHost: x\r\nAuthorization: " +
               http::format_basic({c.username, c.password}) + "\r\n" + more + "\r\n";
    }
    std::string get_image(const std::string& more = {}) const {
        return get(served.target(PeerResource::image), more);
    }
    // Waits until the device sees that many open transfers.
    bool has_transfers(std::uint32_t count) {
        for (int i = 0; i < 5000; ++i) {
            if (served.thread.run([&] { return served.server->open_transfers(); }) == count)
                return true;
            ::usleep(1000);
        }
        return false;
    }

    tests::ServedImage served{kFourPieces};
};

TEST_F(CutThrough, SendsTheHeadAtOnceAndEachPieceOnceItIsVerified) {
    served.start();
    tests::RawClient client(served.port());
    client.send(get_image("Range: bytes=16000-\r\n"));
    const auto head = client.receive_head();
    EXPECT_THAT(head, HasSubstr("HTTP/1.1 206 "));
    EXPECT_THAT(head, HasSubstr("Content-Length: " + std::to_string(served.bytes.size() - 16000)));
    EXPECT_EQ(client.receive(1, 20), "") << "nothing is verified yet";

    served.verify(0);
    EXPECT_EQ(client.receive(384), served.bytes.substr(16000, 384));
    served.verify(2);  // out of order: the transfer waits for piece 1
    EXPECT_EQ(client.receive(1, 20), "");
    served.verify(1);
    EXPECT_EQ(client.receive(2 * 16384), served.bytes.substr(16384, 2 * 16384));
    served.verify(3);
    EXPECT_EQ(client.receive(100), served.bytes.substr(3 * 16384));
    EXPECT_TRUE(has_transfers(0));

    client.send(get(served.target(PeerResource::manifest)));  // the connection is good for more
    EXPECT_EQ(client.receive_answer().body, served.manifest);
}

TEST_F(CutThrough, AnswersPipelinedRequestsInTheirOrder) {
    served.start();
    tests::RawClient client(served.port());
    client.send(get_image("Range: bytes=0-99\r\n") + get(served.target(PeerResource::manifest)) +
                get_image("Range: bytes=16384-16483\r\n") + "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.receive_head().substr(9, 3), "206");
    served.verify(0);
    served.verify(1);
    EXPECT_EQ(client.receive(100), served.bytes.substr(0, 100));
    EXPECT_EQ(client.receive_answer().body, served.manifest);
    EXPECT_EQ(client.receive_answer().body, served.bytes.substr(16384, 100));
    EXPECT_EQ(client.receive_answer().status, 404);
}

TEST_F(CutThrough, HaveWaitsForNewsAndSaysWhatIsThere) {
    served.start();
    tests::RawClient client(served.port());
    client.send(get(served.target(PeerResource::have, 0, 77)));
    EXPECT_EQ(client.receive(1, 20), "");
    served.verify(2);
    const auto answer = client.receive_answer();
    const auto have = http::decode_have(as_bytes(answer.body), 4);
    ASSERT_TRUE(have);
    EXPECT_EQ(have->pieces, served.verified);
    // A waiting slave gets its sign of life though there is no news.
    client.send(get(served.target(PeerResource::have, 1)));
    EXPECT_EQ(client.receive_answer().body, answer.body);
}

TEST_F(CutThrough, AClientThatGoesAwayGivesItsSlotBack) {
    served.options.serving.slots = 1;
    served.options.http.half_closed_timeout = 20ms;
    served.start();
    using Leave = void (tests::RawClient::*)();
    for (const Leave leave :
         {&tests::RawClient::reset, &tests::RawClient::close, &tests::RawClient::finish_sending}) {
        tests::RawClient client(served.port());
        client.send(get_image());
        ASSERT_THAT(client.receive_head(), HasSubstr(" 200 "));
        (client.*leave)();
        EXPECT_TRUE(has_transfers(0));
    }
}

TEST_F(CutThrough, AHalfClosedClientGetsAllThatIsThere) {
    for (std::uint32_t p = 0; p < 4; ++p) served.verified.insert(PieceIndex{p});
    served.start();
    tests::RawClient client(served.port());
    client.send(get_image());
    client.finish_sending();
    EXPECT_EQ(client.receive_answer().body, served.bytes);
    EXPECT_TRUE(client.is_closed_within(2000));
}

TEST_F(CutThrough, ATransferOfAnImageThatIsRemovedEndsShort) {
    served.start();
    tests::RawClient client(served.port());
    tests::RawClient waiting(served.port());
    client.send(get_image());
    waiting.send(get(served.target(PeerResource::have, 4)));
    ASSERT_THAT(client.receive_head(), HasSubstr(" 200 "));
    served.verify(0);
    EXPECT_EQ(client.receive(16384).size(), 16384u);
    served.thread.run([&] { served.server->remove_image(served.id); });
    EXPECT_TRUE(client.is_closed_within(2000));
    EXPECT_TRUE(waiting.is_closed_within(2000));
}

TEST_F(CutThrough, AnOpenTransferOutlivesItsCredentials) {
    served.start();
    tests::RawClient client(served.port());
    client.send(get_image());
    ASSERT_THAT(client.receive_head(), HasSubstr(" 200 "));
    served.utc_seconds = 3000;
    for (std::uint32_t p = 0; p < 4; ++p) served.verify(p);
    EXPECT_EQ(client.receive(served.bytes.size()), served.bytes);
    client.send(get_image());
    const auto late = client.receive_answer();
    EXPECT_EQ(late.status, 401);
    EXPECT_EQ(late.body, "credentials expired\n");
}

}  // namespace
}  // namespace sluice::agent
