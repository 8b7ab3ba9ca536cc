#pragma once
// sluice-planner in a folder of its own, and an ACS's side of its API.

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <httplib.h>
#include <nlohmann/json_fwd.hpp>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::planner {

using Json = nlohmann::json;

struct Answer {
    int status = 0;
    std::string body;
    Json json() const;
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
    void start(const std::vector<std::string>& more = {"--insecure-lab"});
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
    Json say(const Json& body) const;

    // Published, and a rollout of it started; its id.
    std::string start_rollout();
    Json rollout(const std::string& id) const;

    std::string folder, bytes;
    pid_t pid = 0;
    std::uint16_t origin = 0, api = 0;
};

Json a_report(int serial, const std::string& version = "1.0");

inline std::string identity_of(int serial) {
    return "00D09E-GW3-" + std::to_string(serial);
}

}  // namespace sluice::planner
