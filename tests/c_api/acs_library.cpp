#include "tests/c_api/acs_library.hpp"

#include <nlohmann/json.hpp>

namespace sluice::c_api {

Json Library::exchange(const Json& turn, std::int64_t now) {
    const auto said = ask(sluice_planner_exchange, turn.dump().c_str(), now);
    EXPECT_EQ(said.status, SLUICE_OK) << said.error;
    return Json::parse(said.text, nullptr, false);
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
            {"cache_bytes", 1 << 26},
            {"connection_url", "http://192.0.2.1:7547/" + std::to_string(serial)},
            {"file_server", "http://192.168.0." + std::to_string(serial + 1) + ":7547"}};
}

}  // namespace sluice::c_api
