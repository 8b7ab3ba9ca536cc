#pragma once
// The API on loopback over a real planner with four agents on two sites, and a store of the test's
// own that can be made to wait or to fail.

#include <filesystem>
#include <gmock/gmock.h>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <stdlib.h>

#include "acs-plugin/origin/shelf.hpp"
#include "acs-plugin/rest/rest_server.hpp"
#include "engine/base/rng.hpp"
#include "engine/image/image_digester.hpp"
#include "engine/net/client_tls.hpp"
#include "tests/net/io_thread.hpp"
#include "tests/service/acs_bench.hpp"

namespace sluice::rest {

using Json = nlohmann::json;

using Headers = std::multimap<std::string, std::string>;

struct Answer {
    int status = 0;
    Headers headers;
    std::string body;
    std::string header(const std::string& name) const;  // empty: there is none
    Json json() const;                                  // null where it is none
};

// The server, its planner and its store.
class ApiHost {
public:
    ApiHost() {
        auto name = (std::filesystem::temp_directory_path() / "sluice-rest-XXXXXX").string();
        folder = ::mkdtemp(name.data());
        shelf = origin::Shelf::open(folder).value();
        for (int n = 1; n <= 4; ++n)
            bench.add(service::bench::an_agent(n, n <= 2 ? "home-a" : "home-b"));
        for (auto* cpe : bench.all()) bench.session(*cpe);
        options.listen = {{"127.0.0.1", 0}};
        options.wall_time = [this] { return bench.now; };
        options.random = [this](std::span<std::uint8_t> out) {
            for (auto& byte : out) byte = static_cast<std::uint8_t>(entropy.next());
        };
        options.streams.poll = std::chrono::milliseconds(5);
        options.webhooks.poll = std::chrono::milliseconds(5);
        options.webhooks.first_pause = std::chrono::milliseconds(10);
        options.client_tls = &client_tls;
        options.commit = [this](service::Changes rows, std::function<void(Result<void>)> done) {
            keep_events(rows);
            commits.push_back(std::move(rows));
            if (is_store_slow)
                waiting = std::move(done);
            else if (is_store_broken)
                done(Error{"disk full"});
            else
                done(success());
            if (server) server->on_events();
        };
        options.history = [this](const service::EventQuery& query, auto done) {
            done(events_of(query));
        };
        options.parts = [this](const std::string& rollout, const service::RolloutDeviceQuery& query,
                               auto done) { done(parts_of(rollout, query)); };
    }
    ~ApiHost() {
        stop();
        std::filesystem::remove_all(folder);
    }
    // As the store does it.
    void keep_events(const service::Changes& rows) {
        for (const auto& row : rows) {
            const auto* said = std::get_if<service::EventRow>(&row);
            if (said == nullptr) continue;
            events.push_back(*said);
            events.back().number = events.size();
        }
    }
    std::vector<service::EventRow> events_of(const service::EventQuery& query) const {
        std::vector<service::EventRow> out;
        const auto is_wanted = [&](const service::EventRow& row) {
            const auto& kinds = query.kinds;
            return row.number > query.after && (query.before == 0 || row.number < query.before) &&
                   (kinds.empty() || std::ranges::find(kinds, row.kind) != kinds.end()) &&
                   (query.rollout.empty() || row.rollout == query.rollout) &&
                   (query.identity.empty() || row.identity == query.identity);
        };
        for (const auto& row : events)
            if (is_wanted(row)) out.push_back(row);
        if (query.is_newest_first) std::ranges::reverse(out);
        if (out.size() > query.at_most) out.resize(query.at_most);
        return out;
    }
    std::vector<service::RolloutDeviceRow> parts_of(
        const std::string& rollout, const service::RolloutDeviceQuery& query) const {
        std::vector<service::RolloutDeviceRow> out;
        for (const auto& [key, row] : bench.rows) {
            const auto* part = std::get_if<service::RolloutDeviceRow>(&row);
            if (part != nullptr && part->rollout == rollout && part->identity > query.after &&
                (query.state.empty() || part->state == query.state) && out.size() < query.at_most)
                out.push_back(*part);
        }
        return out;
    }
    // Something happened on its own.
    void happen(service::EventRow row) {
        thread.run([&] {
            keep_events({std::move(row)});
            server->on_events();
        });
    }
    void start() {
        thread.run([this] {
            server = RestServer::start(thread.io(), bench.planner(), *shelf, options).value();
            port = server->port();
        });
    }
    void stop() {
        thread.run([this] { server.reset(); });
    }
    template <class Task>
    auto on_server(Task task) {
        return thread.run(std::move(task));
    }

    std::string folder;
    std::unique_ptr<origin::Shelf> shelf;
    service::bench::Bench bench;
    RestOptions options;
    bool is_store_slow = false, is_store_broken = false;
    std::vector<service::Changes> commits;
    std::vector<service::EventRow> events;
    Rng entropy{7};
    net::ClientTls client_tls;
    std::function<void(Result<void>)> waiting;
    std::uint16_t port = 0;
    tests::IoThread thread;
    std::unique_ptr<RestServer> server;
};

class Api : public testing::Test, protected ApiHost {
protected:
    // With a body and no other word on it, JSON.
    Answer ask(const std::string& method, const std::string& path, const std::string& body = {},
               Headers headers = {});
    Answer get(const std::string& path) { return ask("GET", path); }
    Answer post(const std::string& path) { return ask("POST", path); }
    Answer post(const std::string& path, const Json& body);
    Answer put(const std::string& id, std::string_view bytes, const std::string& range = {}) {
        Headers headers;
        if (!range.empty()) headers.emplace("Content-Range", range);
        return ask("PUT", "images/" + id + "/content", std::string(bytes), headers);
    }
};

// An image's bytes and its manifest, signed by nobody: the ACS passes it on.
struct PackedImage {
    std::string bytes, envelope, id;
};

inline PackedImage packed(std::size_t length, const std::string& version) {
    PackedImage out;
    for (std::size_t i = 0; i < length; ++i) out.bytes += static_cast<char>(i * i >> 6);
    image::ImageDigester digester({length, 65536});
    for (std::size_t at = 0; digester.next_size() > 0;) {
        const auto size = digester.next_size();
        digester.add_piece(as_bytes(out.bytes).subspan(at, size));
        at += size;
    }
    const auto digests = digester.finish();
    image::Manifest m;
    m.image = digests.id;
    m.layout = digests.layout;
    m.pieces_root = digests.pieces_root;
    m.sha256 = digests.sha256;
    m.name = "gw3-" + version;
    m.software_version = version;
    m.device = {"ACME", "00D09E", "GW3", {"A"}};
    m.created = {1'700'000'000};
    m.expires = {1'900'000'000};
    out.envelope = image::make_manifest(m, {}).value();
    out.id = digests.id.hex();
    return out;
}

}  // namespace sluice::rest
