// The peer protocol as a client sees it: cpp-httplib, which knows nothing of ours, takes what a
// device gives.

#include <gmock/gmock.h>
#include <httplib.h>
#include <thread>

#include "engine/http/basic.hpp"
#include "engine/http/have.hpp"
#include "tests/agent/peer_server/served_image.hpp"
#include "tests/net/raw_client.hpp"
#include "tests/net/resident.hpp"

namespace sluice::agent {
namespace {

using http::PeerResource;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr image::PieceLayout kTenPieces{9 * 16384 + 5000, 16384};

class PeerServerProtocol : public ::testing::Test {
protected:
    httplib::Client client(bool is_digest = true) {
        httplib::Client out("127.0.0.1", served.port());
        const auto c = served.credentials();
        if (is_digest) {
            out.set_digest_auth(c.username, c.password);
        } else {
            out.set_basic_auth(c.username, c.password);
        }
        out.set_keep_alive(true);
        return out;
    }
    std::string image() const { return served.target(PeerResource::image); }

    tests::ServedImage served{kTenPieces, 10};
};

TEST_F(PeerServerProtocol, GivesTheWholeImageByDigestAndByBasic) {
    served.start();
    for (const bool is_digest : {true, false}) {
        auto http = client(is_digest);
        const auto got = http.Get(image());
        ASSERT_TRUE(got);
        EXPECT_EQ(got->status, 200);
        EXPECT_EQ(got->body, served.bytes);
        EXPECT_EQ(got->get_header_value("ETag"), '"' + served.id.hex() + '"');
        EXPECT_EQ(got->get_header_value("Accept-Ranges"), "bytes");
    }
}

TEST_F(PeerServerProtocol, GivesRangesAndRefusesThoseOutside) {
    served.start();
    auto http = client();
    const auto size = served.bytes.size();
    const struct {
        std::string range;
        int status;
        std::size_t begin, end;
    } cases[] = {
        {"bytes=0-0", 206, 0, 1},
        {"bytes=16384-49151", 206, 16384, 49152},
        {"bytes=100-", 206, 100, size},
        {"bytes=-100", 206, size - 100, size},
        {"bytes=100-999999999", 206, 100, size},
        {"bytes=0-1,5-6", 200, 0, size},
        {"bytes=7-3", 200, 0, size},
        {"bytes=999999999-", 416, 0, 0},
        {"bytes=-0", 416, 0, 0},
    };
    for (const auto& c : cases) {
        const auto got = http.Get(image(), {{"Range", c.range}});
        ASSERT_TRUE(got) << c.range;
        EXPECT_EQ(got->status, c.status) << c.range;
        if (c.status == 416) {
            EXPECT_EQ(got->get_header_value("Content-Range"), "bytes */" + std::to_string(size));
            continue;
        }
        EXPECT_EQ(got->body, served.bytes.substr(c.begin, c.end - c.begin)) << c.range;
        if (c.status == 206) {
            EXPECT_EQ(got->get_header_value("Content-Range"), "bytes " + std::to_string(c.begin) +
                                                                  "-" + std::to_string(c.end - 1) +
                                                                  "/" + std::to_string(size));
        }
    }
}

TEST_F(PeerServerProtocol, HonoursEntityTags) {
    served.start();
    auto client = this->client();
    const auto tag = '"' + served.id.hex() + '"';
    // cpp-httplib waits for the body that a 304 does not have.
    tests::RawClient raw(served.port());
    const auto c = served.credentials();
    raw.send("GET " + image() + " HTTP/1.1\r\nHost: x\r\nIf-None-Match: " + tag +
             "\r\nAuthorization: " + http::format_basic({c.username, c.password}) + "\r\n\r\n");
    const auto unchanged = raw.receive_answer();
    EXPECT_EQ(unchanged.status, 304);
    EXPECT_THAT(unchanged.head, HasSubstr("ETag: " + tag));
    EXPECT_EQ(client.Get(image(), {{"If-None-Match", "\"x\""}})->status, 200);
    EXPECT_EQ(client.Get(image(), {{"Range", "bytes=0-9"}, {"If-Range", tag}})->status, 206);
    EXPECT_EQ(client.Get(image(), {{"Range", "bytes=0-9"}, {"If-Range", "\"x\""}})->status, 200);
}

TEST_F(PeerServerProtocol, AnswersHeadWithTheLengthAndNoBody) {
    served.start();
    auto http = client();
    const auto got = http.Head(image());
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->get_header_value("Content-Length"), std::to_string(served.bytes.size()));
    EXPECT_EQ(http.Get(image(), {{"Range", "bytes=0-9"}})->body, served.bytes.substr(0, 10));
}

TEST_F(PeerServerProtocol, GivesManifestAndLayer) {
    served.layer = Bytes(300000, 0xab);  // longer than one step of a stream
    served.start();
    auto http = client();
    EXPECT_EQ(http.Get(served.target(PeerResource::manifest))->body, served.manifest);
    EXPECT_EQ(http.Get(served.target(PeerResource::layer))->body,
              std::string(as_text(served.layer)));
}

TEST_F(PeerServerProtocol, KeepsNothingOfALayerWhoseHeadWasAsked) {
    served.start();
    auto http = client();
    const auto layer = served.target(PeerResource::layer);
    const auto before = tests::resident_kib();
    for (int i = 0; i < 16; ++i) {
        served.thread.run([&] { served.server->set_layer(served.id, Bytes(8 << 20, 0xab)); });
        const auto got = http.Head(layer);
        ASSERT_TRUE(got);
        EXPECT_EQ(got->get_header_value("Content-Length"), std::to_string(8 << 20));
    }
    EXPECT_TRUE(tests::grew_less_than(64 * 1024, before));
}

TEST_F(PeerServerProtocol, HasOwnStatusesForWhatItDoesNotServe) {
    served.start();
    auto http = client();
    auto other = served.id;
    other.digest.bytes[0] ^= 1;
    EXPECT_EQ(http.Get("/")->status, 404);
    EXPECT_EQ(http.Get("/v1/images/" + other.hex() + "/image.bin")->status, 404);
    const auto refused = http.Post(image(), "", "text/plain");
    EXPECT_EQ(refused->status, 405);
    EXPECT_EQ(refused->get_header_value("Allow"), "GET, HEAD");
}

TEST_F(PeerServerProtocol, HoldsALayerBackUntilItIsKnown) {
    served.layer.clear();
    served.options.hold_limit = 30s;
    served.start();
    std::thread later([&] {
        while (served.thread.run([&] { return served.server->http_counters().requests; }) < 2)
            std::this_thread::yield();
        served.thread.run([&] { served.server->set_layer(served.id, Bytes{4, 5, 6}); });
    });
    const auto got = client().Get(served.target(PeerResource::layer));
    later.join();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->body, "\x04\x05\x06");
}

TEST_F(PeerServerProtocol, SaysToComeBackWhenALayerStaysUnknown) {
    served.layer.clear();
    served.manifest.clear();
    served.options.hold_limit = 20ms;
    served.start();
    auto http = client();
    for (const auto resource : {PeerResource::layer, PeerResource::manifest}) {
        const auto got = http.Get(served.target(resource));
        ASSERT_TRUE(got);
        EXPECT_EQ(got->status, 503);
        EXPECT_EQ(got->get_header_value("Retry-After"), "1");
    }
}

TEST_F(PeerServerProtocol, AnswersHaveAtOnceWhenThereIsNewsAndSoonWhenThereIsNone) {
    served.start();
    auto http = client();
    for (const auto& target :
         {served.target(PeerResource::have, 9), served.target(PeerResource::have, 10, 76),
          served.target(PeerResource::have, 10, 77)}) {
        const auto got = http.Get(target);
        ASSERT_TRUE(got);
        const auto have = http::decode_have(as_bytes(got->body), 10);
        ASSERT_TRUE(have);
        EXPECT_EQ(have->boot_id, 77u);
        EXPECT_TRUE(have->pieces.is_complete());
    }
}

TEST_F(PeerServerProtocol, RefusesBeyondItsSlotsAndLetsThemGoAgain) {
    served.options.serving.slots = 0;
    served.start();
    auto http = client();
    const auto got = http.Get(image());
    ASSERT_TRUE(got);
    EXPECT_EQ(got->status, 503);
    EXPECT_EQ(got->get_header_value("Retry-After"), "2");
    EXPECT_EQ(http.Get(served.target(PeerResource::have))->status, 200) << "a have takes no slot";
}

TEST_F(PeerServerProtocol, RefusesAgentsWhenTheCpuIsBusy) {
    served.options.cpu_percent = [] { return 99u; };
    served.start();
    auto http = client();
    const auto agent = http.Get(image(), {{"User-Agent", "sluice-agent/1"}});
    ASSERT_TRUE(agent);
    EXPECT_EQ(agent->status, 503);
    EXPECT_THAT(agent->body, HasSubstr("CPU"));
    EXPECT_EQ(http.Get(image())->status, 200) << "a plain CPE cannot wait";
}

TEST_F(PeerServerProtocol, ForgetsAnImageThatIsRemoved) {
    served.start();
    auto http = client();
    EXPECT_EQ(http.Get(image())->status, 200);
    served.thread.run([&] { served.server->remove_image(served.id); });
    EXPECT_EQ(http.Get(image())->status, 404);
    served.thread.run([&] { return served.server->add_image(served.description()).has_value(); });
    EXPECT_EQ(http.Get(image())->status, 200);
}

TEST(PeerServer, ListensNowhereUnlessToldWhere) {
    tests::ServedImage served(kTenPieces);
    served.options.listen.clear();
    served.thread.run([&] {
        const auto started = PeerServer::start(served.thread.io(), served.options);
        ASSERT_FALSE(started.has_value());
        EXPECT_THAT(started.error().message, HasSubstr("no listening address"));
    });
}

TEST(PeerServer, NamesTheAddressItCannotBind) {
    tests::ServedImage served(kTenPieces);
    served.options.listen = {{"203.0.113.77", 1}};  // a documentation address: nobody has it
    served.thread.run([&] {
        const auto started = PeerServer::start(served.thread.io(), served.options);
        ASSERT_FALSE(started.has_value());
        EXPECT_THAT(started.error().message, HasSubstr("203.0.113.77:1"));
    });
}

}  // namespace
}  // namespace sluice::agent
