#include "sim/world/wire.hpp"

#include <gmock/gmock.h>
#include <string>

namespace sluice::sim::world {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Writes down what it hears, with the time in milliseconds.
class Ear final : public Endpoint {
public:
    explicit Ear(const Instant& now) : now_(now) {}
    std::vector<std::string> heard;

    void on_established(ConnectionId) override { note("established"); }
    void on_refused(ConnectionId) override { note("refused"); }
    void on_answer(ConnectionId, const Answer&) override { note("answer"); }
    void on_bytes(ConnectionId, std::uint32_t bytes) override { bytes_ += bytes; }
    void on_segment(ConnectionId, const Segment& s) override {
        note("piece " + std::to_string(s.piece.value) + (s.is_tainted ? " tainted" : ""));
    }
    void on_request(ConnectionId, const Request&) override { note("request"); }
    void on_sent(ConnectionId, std::uint32_t) override {}
    void on_closed(ConnectionId) override { note("closed"); }
    std::uint64_t bytes() const { return bytes_; }

private:
    void note(const std::string& what) {
        heard.push_back(std::to_string(now_.since_start / 1ms) + " " + what);
    }
    const Instant& now_;
    std::uint64_t bytes_ = 0;
};

// A client and a server, 10 ms apart one way; 1000 bytes a second from the server.
class WireTest : public testing::Test {
protected:
    WireTest() {
        Path up;
        up.add(network.add_link(1000));
        server = wire.add_endpoint(server_ear, up, {}, 5ms);
        client = wire.add_endpoint(client_ear, {}, {}, 5ms);
    }
    void run_until(Instant end) {
        for (;;) {
            const auto mark = network.next_mark(now);
            const auto next = std::min(mark, queue.next_time());
            if (next > end) break;
            now = next;
            if (mark <= queue.next_time()) {
                wire.on_mark(network.pop_mark(now), now);
                continue;
            }
            const auto event = queue.pop();
            const ConnectionId id{static_cast<std::uint32_t>(event.id)};
            if (event.type == EventType::arrival) wire.on_arrival(event);
            if (event.type == EventType::resume) wire.on_resume(id, now);
        }
        now = end;
        EXPECT_EQ(wire.bytes().sent,
                  wire.bytes().received + wire.bytes().lost + wire.bytes().in_flight);
    }
    ConnectionId connected() {
        const auto id = wire.open(client, server, now);
        run_until(now + 20ms);
        client_ear.heard.clear();
        return id;
    }

    Instant now{};
    EventQueue queue;
    FlowNetwork network;
    Wire wire{queue, network, WireParams{}};
    Ear client_ear{now}, server_ear{now};
    EndpointId client, server;
};

TEST_F(WireTest, TakesARoundTripToSetUpAndAsMuchForARequestAndItsAnswer) {
    const auto id = wire.open(client, server, now);
    wire.request(id, Request{}, now);
    run_until(Instant{30ms});
    EXPECT_THAT(client_ear.heard, ElementsAre("20 established"));
    EXPECT_THAT(server_ear.heard, ElementsAre("30 request"));
    wire.answer(id, Answer{}, now);
    wire.push(id, Segment{PieceIndex{3}, 100, true, true}, now);
    run_until(Instant{1s});
    EXPECT_THAT(client_ear.heard,
                ElementsAre("20 established", "40 answer", "140 piece 3 tainted"));
    EXPECT_EQ(client_ear.bytes(), 100u);
}

TEST_F(WireTest, IsRefusedWhereNobodyListens) {
    wire.set_listening(server, false);
    wire.open(client, server, now);
    run_until(Instant{1s});
    EXPECT_THAT(client_ear.heard, ElementsAre("20 refused"));
}

// The cable is out from 0.52 s to 1.0 s: TCP tries at 0.72, 1.12, … so it goes on at 1.12 s.
TEST_F(WireTest, GoesOnAtTheNextRetransmissionAfterTheLinkIsBack) {
    const auto id = connected();
    wire.push(id, Segment{PieceIndex{0}, 1000, true, false}, now);
    run_until(Instant{520ms});
    wire.set_linked(server, false, now);
    run_until(Instant{1000ms});
    EXPECT_THAT(client_ear.heard, IsEmpty());
    wire.set_linked(server, true, now);
    run_until(Instant{3s});
    EXPECT_THAT(client_ear.heard, ElementsAre("1630 piece 0"));
    EXPECT_EQ(wire.bytes().lost, 0u);
}

TEST_F(WireTest, SaysNothingWhileTheCableIsOutAndThePowerToo) {
    const auto id = connected();
    wire.push(id, Segment{PieceIndex{0}, 1000, true, false}, now);
    run_until(Instant{520ms});
    wire.forget_all(server);
    wire.set_linked(server, false, now);
    run_until(Instant{60s});
    EXPECT_THAT(client_ear.heard, IsEmpty());
}

TEST_F(WireTest, ResetsWhatTheOtherEndForgotWhenItSpeaksAgain) {
    const auto id = connected();
    wire.push(id, Segment{PieceIndex{0}, 1000, true, false}, now);
    run_until(Instant{520ms});
    wire.forget_all(server);
    wire.set_linked(server, false, now);
    run_until(Instant{1000ms});
    wire.set_linked(server, true, now);
    run_until(Instant{3s});
    EXPECT_THAT(client_ear.heard, ElementsAre("1130 closed"));
    EXPECT_EQ(wire.bytes().lost, 500u - client_ear.bytes());
}

TEST_F(WireTest, TellsTheOtherEndOfACloseAndCountsWhatHadCrossed) {
    const auto id = connected();
    wire.push(id, Segment{PieceIndex{0}, 1000, true, false}, now);
    run_until(Instant{270ms});
    wire.close(id, client, now);
    run_until(Instant{1s});
    EXPECT_THAT(server_ear.heard, ElementsAre("280 closed"));
    EXPECT_THAT(client_ear.heard, IsEmpty());
    EXPECT_EQ(wire.received(client, server), 250u);
    EXPECT_EQ(wire.sent_by(server), 250u);
}

TEST_F(WireTest, ResetsEveryConnectionOfAProcessThatDied) {
    connected();
    connected();
    wire.set_listening(server, false);
    wire.reset_all(server, now);
    run_until(now + 1s);
    EXPECT_THAT(client_ear.heard, ElementsAre("50 closed", "50 closed"));
}

}  // namespace
}  // namespace sluice::sim::world
