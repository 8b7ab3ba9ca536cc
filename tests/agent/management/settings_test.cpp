// What `sluice-agent run` is told, and what it refuses.
#include "agent/management/settings.hpp"

#include <gmock/gmock.h>

#include "engine/net/options.hpp"

namespace sluice::agent::management {
namespace {

using testing::HasSubstr;

std::string refusal_of(std::vector<std::string_view> more) {
    std::vector<std::string_view> words{"--acs-url=https://acs.test/",
                                        "--manufacturer=ACME",
                                        "--oui=00D09E",
                                        "--serial=S1",
                                        "--hardware-version=A",
                                        "--software-version=1",
                                        "--trust=/nowhere",
                                        "--state=/s",
                                        "--store=/i"};
    words.insert(words.end(), more.begin(), more.end());
    const auto options = net::Options::read("sluice-agent", words, run_options());
    if (!options) return options.error().message;
    const auto settings = read_settings(options.value());
    return settings ? "" : settings.error().message;
}

// Neighbours would be sent to 0.0.0.0, which is each of them.
TEST(Settings, NameTheAddressThatOthersAreTold) {
    for (const auto* address : {"0.0.0.0:7547", "[::]:7547"}) {
        const std::string listen = std::string("--listen=") + address;
        EXPECT_THAT(refusal_of({listen}), HasSubstr("is every interface; name one"));
        const std::string calls = std::string("--connection-listen=") + address;
        EXPECT_THAT(refusal_of({calls}), HasSubstr("--connection-listen: '"));
    }
    EXPECT_THAT(refusal_of({"--listen=127.0.0.1:7547"}), HasSubstr("/nowhere"));
}

}  // namespace
}  // namespace sluice::agent::management
