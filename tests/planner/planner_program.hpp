#pragma once
// sluice-planner in a folder of its own, and an ACS's side of its API.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <httplib.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/image/image_digester.hpp"
#include "engine/image/manifest.hpp"

namespace sluice::planner {

using Json = nlohmann::json;

struct Answer {
    int status = 0;
    std::string body;
    Json json() const { return Json::parse(body, nullptr, false); }
};

inline std::string slurp(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

class Program : public testing::Test {
protected:
    Program() {
        auto name = testing::TempDir() + "sluice-planner-XXXXXX";
        folder = ::mkdtemp(name.data());
        for (std::size_t i = 0; i < 150'000; ++i) bytes += static_cast<char>(i * i >> 6);
    }
    ~Program() override {
        if (pid != 0) stop(SIGKILL);
        std::filesystem::remove_all(folder);
    }
    std::string path(const std::string& name) const { return folder + "/" + name; }

    void spawn(const std::vector<std::string>& more) {
        std::vector<std::string> words{
            SLUICE_PLANNER_PROGRAM, "--store",         path("planner.db"), "--images",
            path("images"),         "--origin-listen", "127.0.0.1:0",      "--api-listen",
            "127.0.0.1:0",          "--ready-file",    path("ready")};
        words.insert(words.end(), more.begin(), more.end());
        std::vector<char*> argv;
        for (auto& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 2, path("log").c_str(),
                                         O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ASSERT_EQ(posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0);
        posix_spawn_file_actions_destroy(&actions);
    }
    void start(const std::vector<std::string>& more = {"--insecure-lab"}) {
        std::filesystem::remove(path("ready"));
        spawn(more);
        for (int i = 0; i < 10'000 && !std::filesystem::exists(path("ready")); ++i) ::usleep(1000);
        const auto ready = Json::parse(slurp(path("ready")), nullptr, false);
        ASSERT_TRUE(ready.is_object()) << slurp(path("log"));
        EXPECT_EQ(ready["cwmp"], 0);
        origin = ready["origin"];
        api = ready["api"];
    }
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid, 0), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    int stop(int signal) {
        ::kill(pid, signal);
        return wait();
    }

    Answer ask(const std::string& method, const std::string& what, const std::string& body = {},
               httplib::Headers headers = {}) const {
        httplib::Client client("127.0.0.1", api);
        client.set_read_timeout(10);
        httplib::Request request;
        request.method = method;
        request.path = "/api/v1/" + what;
        request.body = body;
        request.headers = std::move(headers);
        if (!body.empty() && !request.has_header("Content-Type"))
            request.set_header("Content-Type", "application/json");
        const auto answer = client.send(request);
        if (!answer) return {};
        return {answer->status, answer->body};
    }
    Json say(const Json& body) const {
        const auto answer = ask("POST", "contacts", body.dump());
        EXPECT_EQ(answer.status, 200) << answer.body;
        return answer.json();
    }

    // Published, and a rollout of it started; its id.
    std::string start_rollout() {
        image::ImageDigester digester({bytes.size(), 65536});
        for (std::size_t at = 0; digester.next_size() > 0;) {
            const auto size = digester.next_size();
            digester.add_piece(as_bytes(bytes).subspan(at, size));
            at += size;
        }
        const auto digests = digester.finish();
        image::Manifest m;
        m.image = digests.id;
        m.layout = digests.layout;
        m.pieces_root = digests.pieces_root;
        m.sha256 = digests.sha256;
        m.name = "gw3-2.0";
        m.software_version = "2.0";
        m.device = {"ACME", "00D09E", "GW3", {"A"}};
        m.created = {1'700'000'000};
        m.expires = {1'900'000'000};
        const auto id = digests.id.hex();
        const auto manifest = image::make_manifest(m, {}).value();
        EXPECT_EQ(ask("POST", "images", Json{{"manifest", manifest}}.dump()).status, 202);
        EXPECT_EQ(ask("PUT", "images/" + id + "/content", bytes,
                      {{"Content-Type", "application/octet-stream"}})
                      .status,
                  201);
        const auto started = ask("POST", "rollouts", Json{{"name", "gw3"}, {"image", id}}.dump());
        EXPECT_EQ(started.status, 201) << started.body;
        return started.json()["id"];
    }
    Json rollout(const std::string& id) const { return ask("GET", "rollouts/" + id).json(); }

    std::string folder, bytes;
    pid_t pid = 0;
    std::uint16_t origin = 0, api = 0;
};

inline Json a_report(int serial, const std::string& version = "1.0") {
    return {{"manufacturer", "ACME"},
            {"oui", "00D09E"},
            {"product_class", "GW3"},
            {"serial", std::to_string(serial)},
            {"hardware_version", "A"},
            {"software_version", version},
            {"kind", "agent"},
            {"protocols", {"http/1"}},
            {"site", "home"},
            {"cpu_percent", serial},
            {"cache_bytes", 1 << 28},
            {"connection_url", "http://192.0.2.1:7547/" + std::to_string(serial)},
            {"file_server", "http://192.168.0." + std::to_string(serial + 1) + ":7547"}};
}

inline std::string identity_of(int serial) {
    return "00D09E-GW3-" + std::to_string(serial);
}

}  // namespace sluice::planner
