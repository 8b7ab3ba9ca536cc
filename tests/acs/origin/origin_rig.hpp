#pragma once
// An origin on loopback over a token book of the test's own: two tokens of one site, one of another
// and one of no site, all for one image of three pieces.

#include <atomic>
#include <filesystem>
#include <map>
#include <stdlib.h>

#include "acs-plugin/origin/origin.hpp"
#include "acs-plugin/origin/shelf.hpp"
#include "engine/image/image_digester.hpp"
#include "engine/image/merkle.hpp"
#include "engine/planning/assignment_json.hpp"
#include "tests/net/io_thread.hpp"
#include "tests/net/raw_client.hpp"

namespace sluice::origin {

class Folder {
public:
    Folder() {
        auto name = (std::filesystem::temp_directory_path() / "sluice-origin-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    const std::string& path() const { return path_; }
    std::size_t count() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_),
                                                      std::filesystem::directory_iterator()));
    }

private:
    std::string path_;
};

inline Bytes pattern(std::size_t length) {
    Bytes out(length);
    for (std::size_t i = 0; i < length; ++i) out[i] = static_cast<std::uint8_t>(i * i >> 5);
    return out;
}

inline image::ImageDigests digests_of(const Bytes& bytes, std::uint32_t piece_length) {
    image::ImageDigester digester({bytes.size(), piece_length});
    for (std::size_t at = 0; digester.next_size() > 0;) {
        const auto size = digester.next_size();
        digester.add_piece(ByteView(bytes).subspan(at, size));
        at += size;
    }
    return digester.finish();
}

inline Expected expected_of(const image::ImageDigests& d) {
    return {d.id.hex(), d.sha256, d.layout.length, d.layout.piece_length, d.pieces_root};
}

class FakeTokens final : public TokenBook {
public:
    std::optional<service::Grant> grant(std::string_view token) const override {
        const auto at = grants.find(std::string(token));
        return at == grants.end() ? std::nullopt : std::optional(at->second);
    }
    bool is_over(std::string_view token) const override { return token == "over"; }
    Result<std::string> assignment(std::string_view token, service::WallTime now) override {
        if (token == "none") return Error{"no plan yet"};
        planning::Assignment a;
        a.rollout = "r1";
        a.short_id = std::string(token);
        a.server_time = now.utc();
        a.manifest = "{}";
        a.sources.push_back(
            {planning::SourceKind::origin, "http://192.0.2.1/p/x/gw3.bin", "", "", ""});
        return planning::to_json(a);
    }
    const service::ImageRow* image(std::string_view id) const override {
        return id == row.id ? &row : nullptr;
    }
    bool on_payload(const service::Grant& grant, std::uint64_t bytes, bool is_new) override {
        sent[grant.site] += bytes;
        requests[grant.site] += is_new ? 1 : 0;
        return sent[grant.site] < budget;
    }

    std::map<std::string, service::Grant> grants;
    service::ImageRow row;
    std::map<std::string, std::uint64_t> sent, requests;  // by site
    std::uint64_t budget = ~std::uint64_t{0};             // of each site
};

class OriginRig {
public:
    static constexpr std::uint32_t kPiece = 65536;

    explicit OriginRig(std::size_t length = 150'000) : bytes(pattern(length)) {
        const auto digests = digests_of(bytes, kPiece);
        layer = image::raw_layer(digests.layer);
        shelf = Shelf::open(folder.path()).value();
        auto upload = shelf->begin(expected_of(digests)).value();
        if (!upload->append(bytes).has_value() || !upload->finish().has_value()) std::abort();
        tokens.row.id = digests.id.hex();
        tokens.row.name = "gw3";
        for (const auto& [token, site] : std::map<std::string, std::string>{{"a1", "home-a"},
                                                                            {"a2", "home-a"},
                                                                            {"b1", "home-b"},
                                                                            {"lonely", ""},
                                                                            {"none", ""}})
            tokens.grants[token] = {"r1", "device-" + token, site, tokens.row.id, false, false, 0};
        options.listen = {{"127.0.0.1", 0}};
        options.clock = [this] {
            return Instant{std::chrono::steady_clock::now().time_since_epoch() +
                           clock_ahead.load()};
        };
        options.wall_time = [this] { return service::WallTime{wall_ms.load()}; };
    }
    ~OriginRig() { stop(); }
    void start() {
        thread.run([this] {
            origin = Origin::start(thread.io(), tokens, *shelf, options).value();
            port = origin->port();
        });
    }
    void stop() {
        thread.run([this] { origin.reset(); });
    }
    tests::RawClient::Answer ask(const std::string& target, const std::string& fields = {},
                                 const std::string& method = "GET") {
        tests::RawClient client(port);
        client.send(method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" +
                    fields + "\r\n");
        return client.receive_answer();
    }
    std::uint64_t sent_to(const std::string& site) {
        return thread.run([&] { return tokens.sent[site]; });
    }
    std::string text() const { return std::string(as_text(bytes)); }

    Folder folder;
    Bytes bytes, layer;
    std::unique_ptr<Shelf> shelf;
    FakeTokens tokens;
    OriginOptions options;
    std::atomic<Duration> clock_ahead{};
    std::atomic<std::int64_t> wall_ms{1'772'366'400'000};
    std::unique_ptr<Origin> origin;
    std::uint16_t port = 0;
    tests::IoThread thread;
};

}  // namespace sluice::origin
