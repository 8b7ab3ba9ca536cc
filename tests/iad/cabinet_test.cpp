// Configurations in a manager's folder: sealed where there are keys, and read again.

#include "acs-plugin/iad/station/cabinet.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <stdlib.h>

namespace sluice::iad {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string kSpring = "spring:" + std::string(64, 'a');
const std::string kBoth = "summer:" + std::string(64, 'b') + "\n" + kSpring;

class CabinetOfADevice : public testing::Test {
protected:
    CabinetOfADevice() {
        auto name = (std::filesystem::temp_directory_path() / "sluice-cabinet-XXXXXX").string();
        folder = ::mkdtemp(name.data());
    }
    ~CabinetOfADevice() override { std::filesystem::remove_all(folder); }

    Cabinet cabinet(const std::string& keys, const std::string& device = "box") const {
        std::optional<backup::KeyRing> ring;
        if (!keys.empty()) ring = backup::KeyRing::parse(keys).value();
        return Cabinet(folder, device, std::move(ring));
    }
    std::string read(const std::string& keys, const std::string& name,
                     const std::string& device = "box") const {
        const auto bytes = cabinet(keys, device).read(name);
        return bytes.has_value() ? std::string(as_text(bytes.value()))
                                 : "! " + bytes.error().message;
    }
    void keep(const std::string& keys, const std::string& name, const std::string& text) const {
        ASSERT_TRUE(cabinet(keys).keep(name, as_bytes(text)).has_value());
    }
    std::string on_disk(const std::string& name) const {
        std::ifstream file(folder + "/" + name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::string folder;
};

TEST_F(CabinetOfADevice, SealsWhatItKeepsWhereThereAreKeys) {
    keep(kSpring, "box-1.cfg", "password=secret");
    EXPECT_THAT(on_disk("box-1.cfg.sealed"), Not(HasSubstr("secret")));
    EXPECT_FALSE(std::filesystem::exists(folder + "/box-1.cfg"));
    EXPECT_EQ(read(kSpring, "box-1.cfg"), "password=secret");
    EXPECT_EQ(read(kBoth, "box-1.cfg"), "password=secret");
    EXPECT_THAT(read("", "box-1.cfg"), HasSubstr("is sealed, and there is no --backup-keys"));
    EXPECT_THAT(read("other:" + std::string(64, 'c'), "box-1.cfg"), HasSubstr("no key 'spring'"));
}

TEST_F(CabinetOfADevice, BindsWhatItSealsToItsDeviceAndName) {
    keep(kSpring, "box-1.cfg", "one");
    EXPECT_THAT(read(kSpring, "box-1.cfg", "other"), HasSubstr("is not what was sealed"));
    std::filesystem::rename(folder + "/box-1.cfg.sealed", folder + "/box-2.cfg.sealed");
    EXPECT_THAT(read(kSpring, "box-2.cfg"), HasSubstr("is not what was sealed"));
    std::ofstream(folder + "/box-3.cfg.sealed") << "sluice-sealed spring";
    EXPECT_THAT(read(kSpring, "box-3.cfg"), HasSubstr("is not what was sealed"));
}

TEST_F(CabinetOfADevice, ReadsWhatLiesInClearAndSealsAllOfItWhenTold) {
    keep("", "box-1.cfg", "in clear");
    EXPECT_EQ(on_disk("box-1.cfg"), "in clear");
    EXPECT_EQ(read(kSpring, "box-1.cfg"), "in clear");
    keep(kSpring, "box-2.cfg.edited", "edited");
    std::ofstream(folder + "/record.json") << "{}";
    EXPECT_THAT(cabinet(kBoth).names(), ElementsAre("box-1.cfg", "box-2.cfg.edited"));
    EXPECT_EQ(cabinet(kBoth).seal_all().value(), 2u);
    EXPECT_FALSE(std::filesystem::exists(folder + "/box-1.cfg"));
    const auto summer = "summer:" + std::string(64, 'b');
    EXPECT_EQ(read(summer, "box-1.cfg"), "in clear");
    EXPECT_EQ(read(summer, "box-2.cfg.edited"), "edited") << "the old key may go";
}

TEST_F(CabinetOfADevice, HasFilesInMemoryThatLeaveNothing) {
    const auto file = MemoryFile::make(as_bytes("secret"));
    ASSERT_TRUE(file.has_value());
    EXPECT_EQ(as_text(file.value().bytes(100).value()), "secret");
    EXPECT_FALSE(file.value().bytes(5).has_value());
    std::ofstream(file.value().path()) << "fetched";
    EXPECT_EQ(as_text(file.value().bytes(100).value()), "fetched");
}

}  // namespace
}  // namespace sluice::iad
