#pragma once
// A device for unit tests, and short words for what is asked of it.

#include "agent/management/device_model.hpp"

namespace sluice::agent::management {

inline Settings test_settings() {
    Settings s;
    s.acs_url = "https://acs.test/";
    s.acs = {"cpe", "secret"};
    s.device = {"ACME", "00D09E", "GW3", "S1"};
    s.hardware_version = "A";
    s.software_version = "1.0";
    s.provisioning_code = "p1";
    s.connection = {"acs", "call"};
    s.periodic_interval = std::chrono::hours(24);
    s.uplink_bps = 5'000'000'000;
    return s;
}

inline cwmp::ParameterValue set(const std::string& name, const std::string& value,
                                const std::string& type = "") {
    return {name, value, type};
}

}  // namespace sluice::agent::management
