// With credentials set, nobody learns anything without them.

#include <gmock/gmock.h>
#include <httplib.h>

#include "tests/acs/origin/origin_rig.hpp"

namespace sluice::origin {
namespace {

class Admission : public testing::Test {
protected:
    void SetUp() override {
        rig.options.username = "cpe";
        rig.options.password = "right";
    }
    int ask(const std::string& password, const std::string& target = "/p/a1/gw3.bin",
            const std::string& user = "cpe") {
        httplib::Client client("127.0.0.1", rig.port);
        client.set_digest_auth(user, password);
        const auto answer = client.Get(target);
        return answer ? answer->status : 0;
    }
    int ask_basic(const std::string& password) {
        httplib::Client client("127.0.0.1", rig.port);
        client.set_basic_auth("cpe", password);
        const auto answer = client.Get("/p/a1/gw3.bin");
        return answer ? answer->status : 0;
    }
    OriginRig rig;
};

TEST_F(Admission, TakesDigestAndNothingElse) {
    rig.start();
    EXPECT_EQ(ask("right"), 200);
    EXPECT_EQ(ask("wrong"), 401);
    EXPECT_EQ(ask("right", "/p/a1/gw3.bin", "other"), 401);
    EXPECT_EQ(ask_basic("right"), 401);
}

TEST_F(Admission, SaysNothingOfTokensToStrangers) {
    rig.start();
    for (const auto* target : {"/p/a1/gw3.bin", "/p/unknown/gw3.bin", "/p/over/gw3.bin", "/"})
        EXPECT_EQ(rig.ask(target).status, 401) << target;
    EXPECT_EQ(ask("right", "/p/over/gw3.bin"), 410);
}

TEST_F(Admission, TakesBasicWhereThePolicySaysSo) {
    rig.options.allows_basic = true;
    rig.start();
    EXPECT_EQ(ask_basic("right"), 200);
    EXPECT_EQ(ask_basic("wrong"), 401);
    EXPECT_EQ(ask("right"), 200);
    EXPECT_EQ(ask("wrong"), 401);
}

}  // namespace
}  // namespace sluice::origin
