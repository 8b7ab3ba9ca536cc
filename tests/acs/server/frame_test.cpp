#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "acs-plugin/cluster/messages.hpp"

namespace sluice::cluster {
namespace {

TEST(Frames, ComeBackAsTheyWereSaid) {
    const Message said{{"ask", "grant"}, {"token", "abc"}, {"counts", {1, 2, 3}}};
    EXPECT_EQ(from_frame(to_frame(said)), said);
}

TEST(Frames, ThatAreDeepAreRefusedBeforeTheyAreRead) {
    // {"a": [[[[…
    const auto deep = std::string("\xa1\x61\x61", 3) + std::string(1024 * 1024 - 3, '\x81');
    EXPECT_EQ(from_frame(deep), std::nullopt);
    EXPECT_EQ(from_frame(""), std::nullopt);
    EXPECT_EQ(from_frame("\x01"), std::nullopt);
}

}  // namespace
}  // namespace sluice::cluster
