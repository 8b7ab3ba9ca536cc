#pragma once
// Nodes with folders of their own, in one process and on one thread: each a front until it owns.

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <optional>

#include "acs-plugin/cluster/image_copies.hpp"
#include "tests/acs/origin/origin_rig.hpp"
#include "tests/cluster/two_nodes.hpp"

namespace sluice::cluster {

using origin::digests_of;
using origin::pattern;

inline constexpr std::uint32_t kPiece = 65536;

inline service::ImageRow row_of(const Bytes& bytes) {
    const auto digests = digests_of(bytes, kPiece);
    service::ImageRow out;
    out.id = digests.id.hex();
    out.name = "gw3";
    out.length = bytes.size();
    out.piece_length = kPiece;
    return out;
}

struct Node {
    explicit Node(boost::asio::io_context& io, ImageCopies::Terms terms = {300ms, 30s, 0ms},
                  std::chrono::milliseconds presence = kPresence)
        : server(
              ChannelServer::start(io, make_tls(kSecret), {"127.0.0.1", 0}, {}, presence).value()),
          channel(io, make_tls(kSecret), {}) {
        copies.emplace(
            io, make_tls(kSecret), *shelf, channel, *server, address(),
            [this](const std::string& line) { said.push_back(line); }, terms);
    }
    std::string address() const { return "127.0.0.1:" + std::to_string(server->port()); }
    void own() {
        channel.set_owner({});
        server->own(
            [this](const Message& question, const ChannelServer::Reply& reply) {
                asked.push_back(text_of(question, "what"));
                if (!copies->answer(question, reply)) reply(Message::object());
            },
            [](int, const std::string&) {});
        copies->own([this] { return published; });
    }
    void put(const Bytes& bytes) {
        const auto upload = shelf->begin(origin::expected_of(digests_of(bytes, kPiece))).value();
        ASSERT_TRUE(upload->append(bytes).has_value());
        ASSERT_TRUE(upload->finish().has_value());
    }
    std::string text_of_image(const std::string& id) {
        const auto file = shelf->image(id).value();
        std::string out(file->length(), '\0');
        EXPECT_EQ(::pread(file->fd(), out.data(), out.size(), 0), ssize_t(out.size()));
        return out;
    }

    origin::Folder folder;
    std::unique_ptr<origin::Shelf> shelf =
        origin::Shelf::open(folder.path(), origin::FolderUse::shared).value();
    std::vector<const service::ImageRow*> published;
    std::vector<std::string> asked, said;
    std::unique_ptr<ChannelServer> server;
    Channel channel;
    std::optional<ImageCopies> copies;
};

class Images : public testing::Test {
protected:
    template <class Owner>
    void join(Node& front, const Owner& owner) {
        front.channel.set_owner(owner.address());
        run_until(io, [&] { return front.channel.is_open(); });
    }

    boost::asio::io_context io;
    Bytes bytes = pattern(40 * kPiece + 77);
    service::ImageRow row = row_of(bytes);
};

}  // namespace sluice::cluster
