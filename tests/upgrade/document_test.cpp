#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "engine/upgrade/step.hpp"

namespace sluice::upgrade {
namespace {

TEST(Document, ShowsTheTableThatTheMachineRuns) {
    std::ifstream file(std::string(SLUICE_SOURCE_DIR) + "/docs/SAFE-UPGRADE.md");
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_NE(text.str().find("```mermaid\n" + state_diagram() + "```"), std::string::npos)
        << state_diagram();
}

}  // namespace
}  // namespace sluice::upgrade
