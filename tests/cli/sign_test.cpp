// Key holders on separate machines, and orders for single devices.

#include <gmock/gmock.h>

#include "engine/base/utc.hpp"
#include "engine/image/downgrade.hpp"
#include "tests/cli/command_line.hpp"

namespace sluice::cli {
namespace {

using testing::HasSubstr;

const std::string kVectors = SLUICE_SOURCE_DIR "/tests/vectors/";

std::string key(const std::string& name) {
    return kVectors + "keys/" + name + ".pem";
}

class Sign : public CommandLine {
protected:
    void SetUp() override {
        CommandLine::SetUp();
        std::filesystem::copy(kVectors + "refused/manifest/too_few_signatures--one.json",
                              folder() / "half.json");
        trust = image::load_trust(read(kVectors + "trust-1.json")).value();
    }

    image::Trust trust;
};

TEST_F(Sign, AddsTheSignatureThatWasMissing) {
    ASSERT_FALSE(image::verify_manifest_signatures(read("half.json"), trust));
    const auto signed_ = sluice({"sign", "half.json", "--key", key("release-b")});
    ASSERT_EQ(signed_.exit_code, 0) << signed_.err;
    EXPECT_EQ(read("half.json"), read(kVectors + "manifest.json"));
    EXPECT_EQ(files_in(".").size(), 1u);
}

TEST_F(Sign, LeavesTheFileAloneWhenThereIsNothingToAdd) {
    const auto before = read("half.json");
    const auto again = sluice({"sign", "half.json", "--key", key("release-a")});
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_THAT(again.err, HasSubstr("half.json: already signed by the key given"));
    write("other.json", R"({"payload":"aGk=","payloadType":"text/plain","signatures":[]})");
    const auto other = sluice({"sign", "other.json", "--key", key("release-a")});
    EXPECT_EQ(other.exit_code, 1);
    EXPECT_THAT(other.err, HasSubstr("'text/plain' is nothing that Sluice signs"));
    EXPECT_EQ(read("half.json"), before);
}

TEST_F(Sign, CompletesADraftOfATrustFile) {
    const auto draft =
        sluice({"trust", "init", "--pin", key("release-a"), "--pin", key("release-b"),
                "--threshold", "2", "--key", key("release-a"), "--draft", "--out", "trust.json"});
    ASSERT_EQ(draft.exit_code, 0) << draft.err;
    EXPECT_FALSE(image::load_trust(read("trust.json")));
    ASSERT_EQ(sluice({"sign", "trust.json", "--key", key("release-b")}).exit_code, 0);
    EXPECT_TRUE(image::load_trust(read("trust.json")));
}

class Downgrade : public Sign {
protected:
    Outcome order(const std::vector<std::string>& more) const {
        std::vector<std::string> arguments = {"downgrade",
                                              "--manufacturer",
                                              "ACME",
                                              "--oui",
                                              "00D09E",
                                              "--product-class",
                                              "GW3",
                                              "--security-version",
                                              "4",
                                              "--key",
                                              key("release-a"),
                                              "--key",
                                              key("release-b"),
                                              "--out",
                                              "order.json"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return sluice(arguments);
    }
};

TEST_F(Downgrade, IsOrderedForOneDeviceUntilItExpires) {
    const auto made = order({"--serial-number", "S0042", "--expires", "2026-07-01"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    EXPECT_EQ(read("order.json"), read(kVectors + "downgrade/order.json"));
    EXPECT_THAT(made.out, HasSubstr("until     2026-07-01T00:00:00Z\n"));
}

TEST_F(Downgrade, IsNotOrderedForNobody) {
    EXPECT_EQ(order({}).exit_code, 2);
    const auto empty = order({"--serial-number", ""});
    EXPECT_EQ(empty.exit_code, 1);
    EXPECT_THAT(empty.err, HasSubstr("device.serial_number: empty"));
    EXPECT_FALSE(exists("order.json"));
}

}  // namespace
}  // namespace sluice::cli
