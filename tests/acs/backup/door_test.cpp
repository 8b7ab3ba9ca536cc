// A device at the origin's listener with its configuration: who is let in, how much is taken, and
// what is said when.

#include "acs-plugin/backup/door.hpp"

#include <gmock/gmock.h>
#include <httplib.h>

#include "acs-plugin/origin/shelf.hpp"
#include "tests/acs/backup/locker_rig.hpp"
#include "tests/acs/origin/origin_rig.hpp"

namespace sluice::backup {
namespace {

using tests::RawClient;

// What the locker would do, as the test says.
class FakeCounter final : public Counter {
public:
    void put(const Claim& claim, const std::string& identity, std::string bytes,
             std::function<void(Word)> done) override {
        puts.push_back(identity + " " + claim.rollout + " " + std::to_string(claim.number) + " " +
                       (bytes.size() > 40 ? std::to_string(bytes.size()) : bytes));
        done(word);
    }
    void get(const Claim& claim, const std::string& identity,
             std::function<void(Word, Bytes)> done) override {
        const std::string text = identity + " " + std::to_string(claim.backup);
        done(word, {text.begin(), text.end()});
    }
    std::vector<std::string> puts;
    Word word = Word::done;
};

class AtTheDoor : public testing::Test {
protected:
    void SetUp() override {
        DoorOptions options;
        options.clock = rig.options.clock;
        options.wall_time = rig.options.wall_time;
        options.allows_basic = allows_basic;
        door = std::make_unique<Door>(keys, counter, std::move(options));
        rig.options.side_door = door.get();
        rig.options.http.body_bytes = kMaxBackup;
        rig.start();
    }
    void TearDown() override { rig.stop(); }

    struct Pass {
        std::string path, user, password;
    };
    Pass pass(Way way, const std::string& identity = "gw-1", std::uint32_t number = 7,
              std::int64_t seconds = 60) {
        Claim claim;
        claim.way = way;
        claim.number = number;
        claim.expires = {rig.wall_ms / 1000 + seconds};
        claim.tag = tag_of(identity);
        claim.rollout = way == Way::up ? "spring" : "";
        claim.backup = way == Way::down ? 17 : 0;
        const auto token = tickets.token(claim);
        return {std::string("/") + static_cast<char>(way) + "/" + token + "/config.bin", identity,
                tickets.password(token)};
    }
    httplib::Result put(const Pass& pass, const std::string& body,
                        const httplib::Headers& fields = {}) {
        httplib::Client client("127.0.0.1", rig.port);
        client.set_digest_auth(pass.user, pass.password);
        return client.Put(pass.path, fields, body, "application/octet-stream");
    }
    int status(const httplib::Result& answer) { return answer ? answer->status : 0; }
    int get(const Pass& pass) {
        httplib::Client client("127.0.0.1", rig.port);
        client.set_digest_auth(pass.user, pass.password);
        return status(client.Get(pass.path));
    }
    // Without credentials, and so many bytes of a body.
    RawClient::Answer say(const std::string& line, const std::string& fields,
                          const std::string& body = {}) {
        RawClient client(rig.port);
        client.send(line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + fields + "\r\n" +
                    body);
        return client.receive_answer();
    }

    const KeyRing keys = a_ring();
    const TicketBook tickets{keys};
    bool allows_basic = false;
    FakeCounter counter;
    origin::OriginRig rig;
    std::unique_ptr<Door> door;
};

class AtTheTlsDoor : public AtTheDoor {
protected:
    AtTheTlsDoor() { allows_basic = true; }
};

TEST_F(AtTheDoor, TakesAConfigurationFromItsDeviceByDigest) {
    EXPECT_EQ(status(put(pass(Way::up), "hostname=gw")), 201);
    EXPECT_THAT(counter.puts, testing::ElementsAre("gw-1 spring 7 hostname=gw"));
}

TEST_F(AtTheDoor, TakesOneInChunksToo) {
    httplib::Client client("127.0.0.1", rig.port);
    const auto it = pass(Way::up);
    client.set_digest_auth(it.user, it.password);
    const auto answer = client.Put(
        it.path,
        [](std::size_t, httplib::DataSink& sink) {
            sink.write("host", 4);
            sink.write("name=gw", 7);
            sink.done();
            return true;
        },
        "application/octet-stream");
    EXPECT_EQ(status(answer), 201);
    EXPECT_THAT(counter.puts, testing::ElementsAre("gw-1 spring 7 hostname=gw"));
    const auto chunks = "4\r\nhost\r\n7\r\nname=gw\r\n0\r\n\r\n";
    EXPECT_EQ(say("PUT " + it.path, "Transfer-Encoding: chunked\r\n", chunks).status, 401)
        << "whole, and then asked for its name";
}

TEST_F(AtTheDoor, SaysWhatCameOfIt) {
    const std::pair<Word, int> cases[] = {{Word::replaced, 200},
                                          {Word::over, 410},
                                          {Word::busy, 503},
                                          {Word::away, 503},
                                          {Word::failed, 500}};
    for (const auto& [word, wanted] : cases) {
        counter.word = word;
        const auto answer = put(pass(Way::up), "x");
        EXPECT_EQ(status(answer), wanted);
        EXPECT_EQ(answer->has_header("Retry-After"), wanted == 503);
        EXPECT_EQ(get(pass(Way::down)), word == Word::replaced ? 200 : wanted);
    }
}

TEST_F(AtTheDoor, LetsNobodyInWithWrongCredentials) {
    auto it = pass(Way::up);
    it.password = "wrong";
    EXPECT_EQ(status(put(it, "x")), 401);
    it = pass(Way::up);
    it.user = "gw-2";  // the right password of another device's ticket
    EXPECT_EQ(status(put(it, "x")), 401);
    it = pass(Way::up);
    it.password = pass(Way::up, "gw-2").password;
    EXPECT_EQ(status(put(it, "x")), 401);
    it = pass(Way::up);
    it.password = pass(Way::up, "gw-1", 8).password;
    EXPECT_EQ(status(put(it, "x")), 401) << "of another order";
    httplib::Client basic("127.0.0.1", rig.port);
    it = pass(Way::up);
    basic.set_basic_auth(it.user, it.password);
    EXPECT_EQ(status(basic.Put(it.path, "x", "text/plain")), 401);
    EXPECT_THAT(counter.puts, testing::IsEmpty());
    EXPECT_GE(door->counters().denied, 5u);
}

TEST_F(AtTheTlsDoor, TakesBasicWhereItIsSecret) {
    const auto it = pass(Way::up);
    const auto ask = [&](const std::string& user, const std::string& password) {
        httplib::Client client("127.0.0.1", rig.port);
        client.set_basic_auth(user, password);
        return status(client.Put(it.path, "x", "text/plain"));
    };
    EXPECT_EQ(ask(it.user, it.password), 201);
    EXPECT_EQ(ask(it.user, "wrong"), 401);
    EXPECT_EQ(ask("gw-2", it.password), 401);
}

TEST_F(AtTheDoor, KnowsNoTokenButItsOwn) {
    auto forged = pass(Way::up);
    forged.path[10] = forged.path[10] == 'A' ? 'B' : 'A';
    EXPECT_EQ(status(put(forged, "x")), 404);
    EXPECT_EQ(say("PUT " + forged.path, "Content-Length: 9\r\nExpect: 100-continue\r\n").status,
              404)
        << "no byte of a body without a good token";
    EXPECT_EQ(say("PUT " + forged.path, "Content-Length: 0\r\n").status, 404);
    EXPECT_EQ(say("GET /u/x/config.bin", "").status, 404);
    auto turned = pass(Way::up);
    turned.path[1] = 'c';
    EXPECT_EQ(get(turned), 404) << "a ticket up opens nothing";
    EXPECT_EQ(say("GET " + pass(Way::up).path, "").status, 405);
    EXPECT_EQ(say("DELETE " + pass(Way::down).path, "").status, 405);
    EXPECT_THAT(counter.puts, testing::IsEmpty());
}

TEST_F(AtTheDoor, LetsTicketsPass) {
    EXPECT_EQ(status(put(pass(Way::up, "gw-1", 7, -1), "x")), 410);
    EXPECT_EQ(say("POST " + pass(Way::up).path, "Content-Length: 9\r\n").status, 413);
    EXPECT_EQ(say("PUT " + pass(Way::up, "gw-1", 7, -1).path, "Content-Length: 0\r\n").status, 410);
    EXPECT_EQ(get(pass(Way::down, "gw-1", 7, -1)), 410);
    EXPECT_EQ(get(pass(Way::down)), 200);
}

TEST_F(AtTheDoor, TurnsDownWhatIsTooLongBeforeItTakesAnyOfIt) {
    const auto it = pass(Way::up);
    EXPECT_EQ(status(put(it, std::string(kMaxBackup, 'x'))), 201);
    const auto too_long = "Content-Length: " + std::to_string(kMaxBackup + 1) + "\r\n";
    EXPECT_EQ(say("PUT " + it.path, too_long).status, 413) << "at its head";
    EXPECT_EQ(say("PUT " + it.path, "Transfer-Encoding: chunked\r\n", "400001\r\n").status, 413);
    EXPECT_EQ(say("GET /p/a1/gw3.bin", "Content-Length: 1\r\n", "x").status, 413)
        << "images need no bodies";
    EXPECT_EQ(counter.puts.size(), 1u);
}

TEST_F(AtTheDoor, KeepsNothingOfWhatDoesNotComeWhole) {
    const auto it = pass(Way::up);
    RawClient client(rig.port);
    client.send("PUT " + it.path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
    client.finish_sending();
    EXPECT_TRUE(client.is_closed_within(5000));
    RawClient chunked(rig.port);
    chunked.send("PUT " + it.path +
                 " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    chunked.finish_sending();
    EXPECT_TRUE(chunked.is_closed_within(5000));
    EXPECT_THAT(counter.puts, testing::IsEmpty());
}

TEST_F(AtTheDoor, TakesWholeFilesAsTheyAreAndNoOthers) {
    EXPECT_EQ(status(put(pass(Way::up), "")), 400);
    EXPECT_EQ(status(put(pass(Way::up), "x", {{"Content-Range", "bytes 0-0/2"}})), 400);
    EXPECT_EQ(status(put(pass(Way::up), "x", {{"Content-Encoding", "gzip"}})), 400);
    EXPECT_EQ(status(put(pass(Way::up), "x", {{"Content-Encoding", "identity"}})), 201);
}

TEST_F(AtTheDoor, GivesADeviceItsConfiguration) {
    httplib::Client client("127.0.0.1", rig.port);
    const auto it = pass(Way::down);
    client.set_digest_auth(it.user, it.password);
    const auto answer = client.Get(it.path);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "gw-1 17");
    EXPECT_EQ(answer->get_header_value("Cache-Control"), "no-store");
    const auto head = client.Head(it.path);
    ASSERT_TRUE(head);
    EXPECT_EQ(head->get_header_value("Content-Length"), "7");
}

TEST_F(AtTheDoor, LeavesTheOriginsOwnPathsAlone) {
    EXPECT_EQ(rig.ask("/p/a1/gw3.bin").status, 200);
    EXPECT_EQ(rig.ask("/p/unknown/gw3.bin").status, 404);
}

}  // namespace
}  // namespace sluice::backup
