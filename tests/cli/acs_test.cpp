// What operators ask of an ACS: publish, look, say where devices are.

#include <httplib.h>
#include <nlohmann/json.hpp>

#include "tests/cli/fleet.hpp"

namespace sluice::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::json;

class Acs : public Fleet {
protected:
    // Packs 200,000 bytes as version 4.2.1.
    void pack() {
        bytes.resize(200'000);
        for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i >> 7);
        write("gw3.bin", bytes);
        const auto packed = sluice({"image",
                                    "pack",
                                    "gw3.bin",
                                    "--name",
                                    "gw3-4.2.1",
                                    "--version",
                                    "4.2.1",
                                    "--security-version",
                                    "7",
                                    "--manufacturer",
                                    "ACME",
                                    "--oui",
                                    "00D09E",
                                    "--product-class",
                                    "GW3",
                                    "--hardware-version",
                                    "A",
                                    "--key",
                                    SLUICE_SOURCE_DIR "/tests/vectors/keys/release-a.pem",
                                    "--out",
                                    "images"});
        ASSERT_EQ(packed.exit_code, 0) << packed.err;
    }
    Outcome publish() { return sluice({"image", "publish", kManifest}); }
    std::string id() const {
        return image::read_manifest(read(kManifest)).value().manifest.image.hex();
    }
    static constexpr const char* kManifest = "images/gw3-4.2.1.manifest.json";
    std::string bytes;
};

TEST_F(Acs, TakesAPackedImageAndShowsIt) {
    pack();
    const auto published = publish();
    ASSERT_EQ(published.exit_code, 0) << published.err;
    EXPECT_THAT(published.out, AllOf(HasSubstr("published  gw3-4.2.1\n"), HasSubstr(id())));
    EXPECT_TRUE(acs.shelf->has(id()));
    EXPECT_EQ(publish().exit_code, 0) << "once more is no harm";

    const auto listed = sluice({"image", "list"});
    EXPECT_THAT(listed.out,
                HasSubstr(id().substr(0, 12) + "  gw3-4.2.1  4.2.1    firmware  195.3 KiB"));
    EXPECT_EQ(Json::parse(sluice({"image", "list", "--json"}).out)["images"].size(), 2u);
    for (const auto& named : {std::string("gw3-4.2.1"), id(), id().substr(0, 8)})
        EXPECT_THAT(sluice({"image", "show", named}).out, HasSubstr("id         " + id())) << named;
    EXPECT_THAT(sluice({"image", "show", "nothing"}).err,
                HasSubstr("no image is called 'nothing'"));
}

TEST_F(Acs, GoesOnWithAnImageThatIsHalfSent) {
    pack();
    httplib::Client client("127.0.0.1", acs.port);
    const auto body = Json{{"manifest", read(kManifest)}}.dump();
    ASSERT_EQ(client.Post("/api/v1/images", body, "application/json")->status, 202);
    httplib::Headers range{{"Content-Range", "bytes 0-99999/200000"}};
    ASSERT_EQ(
        client.Put("/api/v1/images/" + id() + "/content", range, bytes.substr(0, 100'000), "x")
            ->status,
        202);
    EXPECT_EQ(publish().exit_code, 0);
    EXPECT_TRUE(acs.shelf->has(id()));
}

TEST_F(Acs, TakesNoImageThatIsNotItsManifests) {
    pack();
    bytes[77] = static_cast<char>(bytes[77] ^ 1);
    write("images/gw3-4.2.1.bin", bytes);
    auto refused = publish();
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, HasSubstr("sluice image publish: the bytes are not those"));
    write("images/gw3-4.2.1.bin", bytes + "x");
    EXPECT_THAT(publish().err, HasSubstr("has 200001 bytes, the manifest says 200000"));
    EXPECT_THAT(sluice({"image", "publish", kManifest, "--image", "nowhere"}).err,
                HasSubstr("nowhere: cannot be read"));
}

TEST_F(Acs, TakesConfigurationFiles) {
    write("gw3.cfg", "configuration");
    const auto published =
        sluice({"image", "publish", "gw3.cfg", "--configuration", "c-7", "--json"});
    ASSERT_EQ(published.exit_code, 0) << published.err;
    EXPECT_EQ(Json::parse(published.out)["kind"], "configuration");
}

TEST_F(Acs, ShowsItsDevices) {
    const auto listed = sluice({"device", "list"});
    ASSERT_EQ(listed.exit_code, 0) << listed.err;
    EXPECT_THAT(listed.out, AllOf(HasSubstr("DEVICE"), HasSubstr(first_device()),
                                  HasSubstr("home-a"), Not(HasSubstr("\x1b"))));
    EXPECT_EQ(std::count(listed.out.begin(), listed.out.end(), '\n'), 5);
    const auto one_site = Json::parse(sluice({"device", "list", "--site", "home-b", "--json"}).out);
    EXPECT_EQ(one_site["devices"].size(), 2u);
    const auto limited = sluice({"device", "list", "--limit", "3"});
    EXPECT_EQ(std::count(limited.out.begin(), limited.out.end(), '\n'), 4);
    EXPECT_THAT(limited.err, HasSubstr("--limit shows more"));

    const auto shown = sluice({"device", "show", first_device()});
    EXPECT_THAT(shown.out, AllOf(HasSubstr("site           home-a"), HasSubstr("agent")));
    EXPECT_THAT(sluice({"device", "show", "nobody"}).err,
                HasSubstr("sluice device show: no device is called 'nobody'"));
}

TEST_F(Acs, LetsNoDeviceTellTheTerminalWhatToDo) {
    auto cpe = service::bench::an_agent(8, "home-c");
    cpe.report.manufacturer =
        "ACM\u00c9\xc2\x9b"
        "31m";  // CSI, of C1
    acs.on_server([&] { return acs.bench.session(acs.bench.add(cpe)), 0; });
    const auto identity = cpe.identity();
    for (const auto& shown :
         {on_a_terminal("device list"), on_a_terminal("device show " + identity)}) {
        EXPECT_THAT(shown.out, HasSubstr("ACM\u00c9?31m"));
        EXPECT_THAT(shown.out, Not(HasSubstr("\xc2\x9b")));
    }
}

TEST_F(Acs, ShowsItsGroupsWithReasons) {
    const auto listed = sluice({"group", "list"});
    ASSERT_EQ(listed.exit_code, 0) << listed.err;
    EXPECT_THAT(listed.out, AllOf(HasSubstr("MASTERS"), HasSubstr("site=home-b")));
    const std::string id = Json::parse(sluice({"group", "list", "--json"}).out)["groups"][0]["id"];
    const auto shown = sluice({"group", "show", id});
    EXPECT_THAT(shown.out, AllOf(HasSubstr("WHY"), HasSubstr("master")));
    EXPECT_EQ(sluice({"group", "show", "none"}).exit_code, 1);
}

TEST_F(Acs, TakesATableOfSites) {
    write("sites.csv",
          "device,site\n# moved in spring\n\n" + first_device() + ", depot, north\r\n");
    const auto imported = sluice({"site", "import", "sites.csv"});
    ASSERT_EQ(imported.exit_code, 0) << imported.err;
    EXPECT_EQ(imported.out, "the sites of 1 device are in\n");
    EXPECT_THAT(sluice({"device", "show", first_device()}).out,
                HasSubstr("depot, north (imported)"));
    write("sites.csv", "a,b\nno comma\n");
    EXPECT_THAT(sluice({"site", "import", "sites.csv"}).err,
                HasSubstr("sites.csv:2: is not DEVICE,SITE"));
    write("sites.csv", "# nothing\n");
    EXPECT_THAT(sluice({"site", "import", "sites.csv"}).err, HasSubstr("has no lines"));
}

TEST_F(Acs, WantsItsToken) {
    acs.stop();
    acs.options.token = "s3cret";
    start();
    const auto refused = sluice({"device", "list"});
    EXPECT_EQ(refused.exit_code, 1);
    EXPECT_THAT(refused.err, HasSubstr("wants a token; give --token-file"));
    write("token", "s3cret\n");
    EXPECT_EQ(sluice({"device", "list", "--token-file", "token"}).exit_code, 0);
    write("empty", "\n");
    EXPECT_THAT(sluice({"device", "list", "--token-file", "empty"}).err,
                HasSubstr("empty: is empty"));
}

TEST_F(Acs, IsNamedWhereItDoesNotAnswer) {
    acs.stop();
    const auto failed = sluice({"device", "list"});
    EXPECT_EQ(failed.exit_code, 1);
    EXPECT_THAT(failed.err, AllOf(HasSubstr(::getenv("SLUICE_API")), HasSubstr("no answer")));
    EXPECT_THAT(failed.out, IsEmpty());
    EXPECT_THAT(sluice({"device", "list", "--api", "ftp://x"}).err,
                HasSubstr("'ftp://x' is not an http or https URL"));
}

}  // namespace
}  // namespace sluice::cli
