#pragma once
// The command line beside an ACS's API: four agents at two sites, image 2.0 published. `sluice`
// finds it by SLUICE_API.

#include "tests/acs/rest/api_rig.hpp"
#include "tests/cli/command_line.hpp"

namespace sluice::cli {

class Fleet : public CommandLine {
protected:
    void SetUp() override {
        CommandLine::SetUp();
        acs.bench.publish(service::bench::an_image("2.0"));
        start();
    }
    void TearDown() override {
        ::unsetenv("SLUICE_API");
        CommandLine::TearDown();
    }
    void start() {
        acs.start();
        ::setenv("SLUICE_API", ("http://127.0.0.1:" + std::to_string(acs.port)).c_str(), 1);
    }
    // What the command prints on a terminal.
    Outcome on_a_terminal(const std::string& arguments) const {
        return run("script", {"-qec", std::string(SLUICE_PROGRAM) + " " + arguments, "/dev/null"});
    }
    std::string first_device() {
        return acs.on_server([this] { return acs.bench.all().front()->identity(); });
    }

    rest::ApiHost acs;
};

}  // namespace sluice::cli
