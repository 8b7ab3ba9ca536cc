// A neighbour of the Assignment that speaks the protocol and means harm.
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include "tests/swarm/loopback_swarm.hpp"

namespace sluice::agent::swarm {
namespace {

using boost::asio::ip::tcp;

// Message ids of BEP 3 and BEP 6, behind a length of four bytes.
constexpr char kUnchoke = 1, kInterested = 2, kRequest = 6, kHaveNone = 15;

std::string message(char id, std::string_view body = {}) {
    std::string out{0, 0, 0, static_cast<char>(1 + body.size()), id};
    return out.append(body);
}

class Hostile {
public:
    Hostile(LoopbackSwarm& swarm, const std::string& own, const std::string& victim)
        : swarm_(swarm), socket_(swarm.io) {
        socket_.open(tcp::v4());
        socket_.set_option(tcp::socket::receive_buffer_size(8 * 1024));
        socket_.bind({boost::asio::ip::make_address(own), 0});
        socket_.connect({boost::asio::ip::make_address(victim), swarm.port});
    }

    // Until it may ask. False: it never may.
    bool is_let_in() {
        std::string greeting =
            "\x13"
            "BitTorrent protocol";
        greeting += std::string{0, 0, 0, 0, 0, 0, 0, 0x14};  // BEP 6, BEP 52
        const auto& id = swarm_.image.id.digest.bytes;
        greeting.append(id.begin(), id.begin() + 20);
        greeting += "-XX0000-hostile00000";
        boost::asio::write(
            socket_, boost::asio::buffer(greeting + message(kHaveNone) + message(kInterested)));
        bool may_ask = false;
        read(68, [this, &may_ask](const std::string&) { read_message(may_ask); });
        return swarm_.run_until([&] { return may_ask; });
    }

    // Asks for one block again and again, and reads no answer; true: it was hung up on.
    bool is_hung_up_on_for_asking(std::size_t most_bytes) {
        for (int i = 0; i < 1000; ++i)
            asking_->words += message(kRequest, {"\0\0\0\0\0\0\0\0\0\0\x40\0", 12});
        ask(socket_, asking_);
        return swarm_.run_until([&] { return asking_->is_over || asking_->wrote > most_bytes; }) &&
               asking_->is_over;
    }

private:
    // Of handlers too, which outlive their socket.
    struct Asking {
        std::string words;
        std::size_t wrote = 0;
        bool is_over = false;
    };
    static void ask(tcp::socket& socket, const std::shared_ptr<Asking>& asking) {
        boost::asio::async_write(
            socket, boost::asio::buffer(asking->words),
            [&socket, asking](boost::system::error_code error, std::size_t bytes) {
                asking->wrote += bytes;
                asking->is_over = bool(error);
                if (!error) ask(socket, asking);
            });
    }
    void read(std::size_t length, std::function<void(const std::string&)> then) {
        auto into = std::make_shared<std::string>(length, '\0');
        boost::asio::async_read(socket_, boost::asio::buffer(*into),
                                [into, then](boost::system::error_code error, std::size_t) {
                                    if (!error) then(*into);
                                });
    }
    void read_message(bool& may_ask) {
        read(4, [this, &may_ask](const std::string& head) {
            std::size_t length = 0;
            for (const char c : head) length = length * 256 + static_cast<unsigned char>(c);
            if (length == 0) return read_message(may_ask);
            read(length, [this, &may_ask](const std::string& body) {
                may_ask = body.front() == kUnchoke;
                if (!may_ask) read_message(may_ask);
            });
        });
    }

    LoopbackSwarm& swarm_;
    tcp::socket socket_;
    const std::shared_ptr<Asking> asking_ = std::make_shared<Asking>();
};

TEST(HostileNeighbour, ThatAsksAndNeverReadsIsHungUpOn) {
    LoopbackSwarm swarm;
    auto& seed = swarm.add();
    const auto& neighbour = swarm.add();
    seed.holds(0, swarm.image.layout.piece_count());
    seed.terms.peers = {{neighbour.address, swarm.port}};
    seed.join();
    ASSERT_TRUE(swarm.run_until([&] { return seed.counts().port != 0; }));

    Hostile hostile(swarm, neighbour.address, seed.address);
    ASSERT_TRUE(hostile.is_let_in());
    EXPECT_TRUE(hostile.is_hung_up_on_for_asking(32 << 20));
    EXPECT_TRUE(swarm.run_until([&] { return seed.counts().peers == 0; }));
}

}  // namespace
}  // namespace sluice::agent::swarm
