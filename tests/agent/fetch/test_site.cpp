#include "tests/agent/fetch/test_site.hpp"

#include <arpa/inet.h>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/image/manifest.hpp"
#include "engine/planning/assignment_json.hpp"
#include "engine/serving/credentials.hpp"

namespace sluice::tests {
namespace {

constexpr int kDevices = 4;

UtcTime now_utc() {
    return UtcTime{static_cast<std::int64_t>(std::time(nullptr))};
}

serving::Key key_of(int device) {
    serving::Key key{};
    key.fill(static_cast<std::uint8_t>(device + 1));
    return key;
}

// Free now; nobody else of this machine listens on 127.0.77.x.
std::uint16_t free_port(const std::string& address) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.c_str(), &at.sin_addr);
    ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at);
    socklen_t size = sizeof at;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    ::close(fd);
    return ntohs(at.sin_port);
}

image::Manifest manifest_of(const agent::TestImage& image) {
    image::Manifest m;
    m.image = image.id;
    m.layout = image.layout;
    m.pieces_root = image.root;
    m.sha256 = image.sha256;
    m.name = "test-2.0";
    m.software_version = "2.0";
    m.device = {"Test", "00D09E", "TG", {"A"}};
    m.security_version = 2;
    m.created = UtcTime{now_utc().seconds - 3600};
    m.expires = UtcTime{now_utc().seconds + 24 * 3600};
    return m;
}

}  // namespace

TestSite::TestSite(std::uint64_t image_bytes, std::uint32_t piece_length)
    : image(agent::make_test_image(image_bytes, image_bytes, piece_length)) {
    auto name = testing::TempDir() + "sluice-fetch-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    for (int i = 0; i < kDevices; ++i) {
        std::filesystem::create_directory(folder(i));
        ports_.push_back(free_port(address(i)));
    }
    origin.add("/image.bin", std::string(as_text(image.bytes)));
    origin.add("/image.bin.layer", std::string(as_text(image.raw_layer)));
    std::vector<image::SigningKey> signers;
    signers.push_back(*image::SigningKey::from_seed(std::array<std::uint8_t, 32>{1, 2, 3}));
    image::Trust trust;
    trust.keys.push_back({signers[0].public_key(), "test"});
    write_text(folder_ + "/trust.json", image::make_trust(trust, signers).value());
    manifest_ = image::make_manifest(manifest_of(image), signers).value();
    write_device("A");
}

TestSite::~TestSite() {
    if (!testing::Test::HasFailure()) std::filesystem::remove_all(folder_);
}

void TestSite::write_device(const std::string& hardware_version) const {
    write_text(folder_ + "/device.toml",
               "manufacturer = \"Test\"\noui = \"00d09e\"\nproduct_class = \"TG\"\n"
               "hardware_version = \"" +
                   hardware_version +
                   "\"\nsoftware_version = \"1.0\"\n"
                   "security_version = 1\n");
}

std::string TestSite::address(int device) const {
    return "127.0.77." + std::to_string(device + 1);
}
std::string TestSite::folder(int device) const {
    return folder_ + "/" + std::to_string(device);
}
std::string TestSite::image_path(int device) const {
    return folder(device) + "/store/" + image.id.hex() + "/image.bin";
}
bool TestSite::has_image(int device) const {
    return read_text(image_path(device)) == as_text(image.bytes);
}

planning::Assignment TestSite::assignment(int device, planning::Role role) const {
    planning::Assignment out;
    out.rollout = "r1";
    out.short_id = "a" + std::to_string(device);
    out.role = role;
    out.image = image.id;
    out.manifest = manifest_;
    out.serving.emplace();
    out.serving->master_key_hex = to_hex(key_of(device));
    out.serving->cpu_gate_percent = 100;  // a test machine is busy
    out.budgets.origin_bytes = image.layout.length * 2;
    out.seed = static_cast<std::uint64_t>(device) + 1;
    out.server_time = now_utc();
    return out;
}

planning::Source TestSite::from_origin() const {
    return {planning::SourceKind::origin, origin.url("/image.bin"), "", "", ""};
}

planning::Source TestSite::from_peer(int server, int device) const {
    const serving::PeerName name{"r1", "d" + std::to_string(device),
                                 UtcTime{now_utc().seconds + 24 * 3600}};
    const auto minted = serving::mint(key_of(server), image.id, name).value();
    const auto port = std::to_string(ports_[static_cast<std::size_t>(server)]);
    return {planning::SourceKind::peer, "http://" + address(server) + ":" + port, "",
            minted.username, minted.password};
}

std::vector<std::string> TestSite::arguments(int device, const planning::Assignment& order,
                                             const std::vector<std::string>& more) const {
    const auto port = std::to_string(ports_[static_cast<std::size_t>(device)]);
    write_text(folder(device) + "/assignment.json", planning::to_json(order));
    std::vector<std::string> out{"fetch",
                                 "--assignment",
                                 folder(device) + "/assignment.json",
                                 "--trust",
                                 folder_ + "/trust.json",
                                 "--device",
                                 folder_ + "/device.toml",
                                 "--store",
                                 folder(device) + "/store",
                                 "--listen",
                                 address(device) + ":" + port,
                                 "--report",
                                 report(device)};
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

AgentProcess TestSite::start(int device, const planning::Assignment& order,
                             const std::vector<std::string>& more) const {
    return AgentProcess(arguments(device, order, more), log(device));
}

}  // namespace sluice::tests
