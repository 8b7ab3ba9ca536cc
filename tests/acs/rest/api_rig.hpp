#pragma once
// The API on loopback over a real planner with four agents on two sites, and a store of the test's
// own that can be made to wait or to fail.

#include <filesystem>
#include <gmock/gmock.h>
#include <httplib.h>
#include <nlohmann/json_fwd.hpp>
#include <stdlib.h>

#include "acs-plugin/origin/shelf.hpp"
#include "acs-plugin/rest/rest_server.hpp"
#include "engine/image/image_digester.hpp"
#include "tests/net/io_thread.hpp"
#include "tests/service/acs_bench.hpp"

namespace sluice::rest {

using Json = nlohmann::json;

struct Answer {
    int status = 0;
    httplib::Headers headers;
    std::string body;
    std::string header(const char* name) const {
        const auto at = headers.find(name);
        return at == headers.end() ? "" : at->second;
    }
    Json json() const;  // null where it is none
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
        options.commit = [this](service::Changes rows, std::function<void(Result<void>)> done) {
            for (const auto& row : rows)
                if (const auto* said = std::get_if<service::EventRow>(&row))
                    audit.insert(audit.begin(), *said);
            commits.push_back(std::move(rows));
            if (is_store_slow)
                waiting = std::move(done);
            else if (is_store_broken)
                done(Error{"disk full"});
            else
                done(success());
        };
        options.history = [this](const service::EventQuery& query, auto done) {
            auto rows = audit;
            if (rows.size() > query.at_most) rows.resize(query.at_most);
            done(std::move(rows));
        };
    }
    ~ApiHost() {
        stop();
        std::filesystem::remove_all(folder);
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
    std::vector<service::EventRow> audit;
    std::function<void(Result<void>)> waiting;
    std::uint16_t port = 0;
    tests::IoThread thread;
    std::unique_ptr<RestServer> server;
};

class Api : public testing::Test, protected ApiHost {
protected:
    Answer ask(const std::string& method, const std::string& path, const std::string& body = {},
               httplib::Headers headers = {}) {
        httplib::Client client("127.0.0.1", port);
        client.set_read_timeout(5);
        httplib::Request request;
        request.method = method;
        request.path = "/api/v1/" + path;
        request.body = body;
        request.headers = std::move(headers);
        const auto answer = client.send(request);
        if (!answer) return {};
        return {answer->status, answer->headers, answer->body};
    }
    Answer get(const std::string& path) { return ask("GET", path); }
    Answer post(const std::string& path) { return ask("POST", path, "{}"); }
    Answer post(const std::string& path, const Json& body);
    Answer put(const std::string& id, std::string_view bytes, const std::string& range = {}) {
        httplib::Headers headers;
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
