// A link that is let go of: the stream is given on once what was said has left, or it and all that
// waits for it are gone.

#include "acs-plugin/cluster/link.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>

#include "tests/cluster/two_nodes.hpp"

namespace sluice::cluster {
namespace {

using boost::asio::ip::tcp;

class LinkTest : public testing::Test {
protected:
    LinkTest() {
        tcp::acceptor acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
        theirs.next_layer().connect(acceptor.local_endpoint());
        acceptor.accept(ours->next_layer());
        int done = 0;
        ours->async_handshake(Stream::server, [&](auto ec) { done += ec ? 0 : 1; });
        theirs.async_handshake(Stream::client, [&](auto ec) { done += ec ? 0 : 1; });
        run_until(io, [&] { return done == 2; });
        descriptor = ours->next_layer().native_handle();
        link = std::make_shared<Link>(std::move(ours));
        link->start({[this](const std::string&) { answer(); }, [](const std::string&) {}});
        io.restart();
        boost::asio::write(theirs, boost::asio::buffer(std::string(4, '\0')));  // an empty frame
        run_until(io, [&] { return link == nullptr; });
    }
    // As channel_server.cpp: what waits for the stream holds the link that has it.
    void answer() {
        link->send(said);
        link->release([link = link, held = held, this](std::unique_ptr<Stream> stream) {
            given = std::move(stream);
        });
        link.reset();
        held.reset();
    }
    bool is_open() const { return ::fcntl(descriptor, F_GETFD) != -1; }

    const std::string said = std::string(8u << 20, 'x');  // more than fits on its way
    boost::asio::io_context io;
    std::shared_ptr<SecretTls> tls = std::make_shared<SecretTls>(kSecret);
    std::unique_ptr<Stream> ours = std::make_unique<Stream>(io, tls->server());
    Stream theirs{io, tls->client()};
    std::shared_ptr<Link> link;
    std::shared_ptr<int> held = std::make_shared<int>();
    std::weak_ptr<int> is_held = held;
    std::unique_ptr<Stream> given;
    int descriptor = -1;
};

TEST_F(LinkTest, GivesTheStreamOnWhenWhatWasSaidHasLeft) {
    EXPECT_EQ(given, nullptr);
    std::string heard(said.size() + 4, '\0');
    bool is_heard = false;
    boost::asio::async_read(theirs, boost::asio::buffer(heard),
                            [&](boost::system::error_code ec, std::size_t) { is_heard = !ec; });
    run_until(io, [&] { return is_heard && given; });
    EXPECT_TRUE(heard.substr(4) == said);
    EXPECT_TRUE(is_open());
}

TEST_F(LinkTest, LeavesNothingOpenWhereWhatWasSaidCannotLeave) {
    ASSERT_TRUE(is_open());
    theirs.next_layer().set_option(boost::asio::socket_base::linger(true, 0));
    theirs.next_layer().close();
    run_until(io, [&] { return is_held.expired(); });
    EXPECT_EQ(given, nullptr);
    EXPECT_FALSE(is_open());
}

}  // namespace
}  // namespace sluice::cluster
