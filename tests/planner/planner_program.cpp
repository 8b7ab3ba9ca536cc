#include "tests/planner/planner_program.hpp"

#include <nlohmann/json.hpp>

#include "engine/image/image_digester.hpp"
#include "engine/image/manifest.hpp"

namespace sluice::planner {

Json Answer::json() const {
    return Json::parse(body, nullptr, false);
}

void Program::start(const std::vector<std::string>& more) {
    std::filesystem::remove(path("ready"));
    spawn(more);
    for (int i = 0; i < 10'000 && !std::filesystem::exists(path("ready")); ++i) ::usleep(1000);
    const auto ready = Json::parse(slurp(path("ready")), nullptr, false);
    ASSERT_TRUE(ready.is_object()) << slurp(path("log"));
    EXPECT_EQ(ready["cwmp"], 0);
    origin = ready["origin"];
    api = ready["api"];
}

Json Program::say(const Json& body) const {
    const auto answer = ask("POST", "contacts", body.dump());
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json();
}

std::string Program::start_rollout() {
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

Json Program::rollout(const std::string& id) const {
    return ask("GET", "rollouts/" + id).json();
}

Json a_report(int serial, const std::string& version) {
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

}  // namespace sluice::planner
