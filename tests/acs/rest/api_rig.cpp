#include "tests/acs/rest/api_rig.hpp"

#include <nlohmann/json.hpp>

namespace sluice::rest {

Json Answer::json() const {
    return Json::parse(body, nullptr, false);
}

Answer Api::post(const std::string& path, const Json& body) {
    return ask("POST", path, body.dump());
}

}  // namespace sluice::rest
