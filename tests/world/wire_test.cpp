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
        up.add(network_.add_link(1000));
        server_ = wire_.add_endpoint(server_ear_, up, {}, 5ms);
        client_ = wire_.add_endpoint(client_ear_, {}, {}, 5ms);
    }
    void run_until(Instant end) {
        for (;;) {
            const auto mark = network_.next_mark(now_);
            const auto next = std::min(mark, queue_.next_time());
            if (next > end) break;
            now_ = next;
            if (mark <= queue_.next_time()) {
                wire_.on_mark(network_.pop_mark(now_), now_);
                continue;
            }
            const auto event = queue_.pop();
            const ConnectionId id{static_cast<std::uint32_t>(event.id)};
            if (event.type == EventType::arrival) wire_.on_arrival(event);
            if (event.type == EventType::resume) wire_.on_resume(id, now_);
            if (event.type == EventType::progress) wire_.on_progress(id, now_);
        }
        now_ = end;
        EXPECT_EQ(wire_.bytes().sent,
                  wire_.bytes().received + wire_.bytes().lost + wire_.bytes().in_flight);
    }
    ConnectionId connected() {
        const auto id = wire_.open(client_, server_, now_);
        run_until(now_ + 20ms);
        client_ear_.heard.clear();
        return id;
    }

    Instant now_{};
    EventQueue queue_;
    FlowNetwork network_;
    Wire wire_{queue_, network_, WireParams{}};
    Ear client_ear_{now_}, server_ear_{now_};
    EndpointId client_, server_;
};

TEST_F(WireTest, TakesARoundTripToSetUpAndAsMuchForARequestAndItsAnswer) {
    const auto id = wire_.open(client_, server_, now_);
    wire_.request(id, Request{}, now_);
    run_until(Instant{30ms});
    EXPECT_THAT(client_ear_.heard, ElementsAre("20 established"));
    EXPECT_THAT(server_ear_.heard, ElementsAre("30 request"));
    wire_.answer(id, Answer{}, now_);
    wire_.push(id, Segment{PieceIndex{3}, 100, true, true}, now_);
    run_until(Instant{1s});
    EXPECT_THAT(client_ear_.heard,
                ElementsAre("20 established", "40 answer", "140 piece 3 tainted"));
    EXPECT_EQ(client_ear_.bytes(), 100u);
}

TEST_F(WireTest, IsRefusedWhereNobodyListens) {
    wire_.set_listening(server_, false);
    wire_.open(client_, server_, now_);
    run_until(Instant{1s});
    EXPECT_THAT(client_ear_.heard, ElementsAre("20 refused"));
}

// The cable is out from 0.52 s to 1.0 s: TCP tries at 0.72, 1.12, … so it goes on at 1.12 s.
TEST_F(WireTest, GoesOnAtTheNextRetransmissionAfterTheLinkIsBack) {
    const auto id = connected();
    wire_.push(id, Segment{PieceIndex{0}, 1000, true, false}, now_);
    run_until(Instant{520ms});
    wire_.set_linked(server_, false, now_);
    run_until(Instant{1000ms});
    EXPECT_THAT(client_ear_.heard, IsEmpty());
    wire_.set_linked(server_, true, now_);
    run_until(Instant{3s});
    EXPECT_THAT(client_ear_.heard, ElementsAre("1630 piece 0"));
    EXPECT_EQ(wire_.bytes().lost, 0u);
}

TEST_F(WireTest, SaysNothingWhileTheCableIsOutAndThePowerToo) {
    const auto id = connected();
    wire_.push(id, Segment{PieceIndex{0}, 1000, true, false}, now_);
    run_until(Instant{520ms});
    wire_.forget_all(server_);
    wire_.set_linked(server_, false, now_);
    run_until(Instant{60s});
    EXPECT_THAT(client_ear_.heard, IsEmpty());
}

TEST_F(WireTest, ResetsWhatTheOtherEndForgotWhenItSpeaksAgain) {
    const auto id = connected();
    wire_.push(id, Segment{PieceIndex{0}, 1000, true, false}, now_);
    run_until(Instant{520ms});
    wire_.forget_all(server_);
    wire_.set_linked(server_, false, now_);
    run_until(Instant{1000ms});
    wire_.set_linked(server_, true, now_);
    run_until(Instant{3s});
    EXPECT_THAT(client_ear_.heard, ElementsAre("1130 closed"));
    EXPECT_EQ(wire_.bytes().lost, 500u - client_ear_.bytes());
}

TEST_F(WireTest, TellsTheOtherEndOfACloseAndCountsWhatHadCrossed) {
    const auto id = connected();
    wire_.push(id, Segment{PieceIndex{0}, 1000, true, false}, now_);
    run_until(Instant{270ms});
    wire_.close(id, client_, now_);
    run_until(Instant{1s});
    EXPECT_THAT(server_ear_.heard, ElementsAre("280 closed"));
    EXPECT_THAT(client_ear_.heard, IsEmpty());
    EXPECT_EQ(wire_.received(client_, server_), 250u);
    EXPECT_EQ(wire_.sent_by(server_), 250u);
}

TEST_F(WireTest, ResetsEveryConnectionOfAProcessThatDied) {
    connected();
    connected();
    wire_.set_listening(server_, false);
    wire_.reset_all(server_, now_);
    run_until(now_ + 1s);
    EXPECT_THAT(client_ear_.heard, ElementsAre("50 closed", "50 closed"));
}

}  // namespace
}  // namespace sluice::sim::world
