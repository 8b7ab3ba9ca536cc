#include "tests/agent/managed/managed_device.hpp"

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <gtest/gtest.h>
#include <httplib.h>

#include "agent/boot_record.hpp"
#include "engine/image/manifest.hpp"
#include "engine/planning/assignment_json.hpp"

namespace sluice::tests {
namespace {

constexpr char kPath[] = "/p/AAAAAAAAAAAAAAAAAAAAAA/test-2.0.bin";

UtcTime now_utc() {
    return UtcTime{static_cast<std::int64_t>(std::time(nullptr))};
}

}  // namespace

ManagedDevice::ManagedDevice(TlsFiles tls, std::uint64_t image_bytes)
    : acs(std::move(tls)),
      factory(agent::make_test_image(1, 64 * 1024, 16 * 1024)),
      image(agent::make_test_image(2, image_bytes, 16 * 1024)) {
    auto name = testing::TempDir() + "sluice-run-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    std::filesystem::create_directory(folder_ + "/slots");
    write_text(slot('a'), std::string(as_text(factory.bytes)));
    origin.add("/image.bin", std::string(as_text(image.bytes)));
    origin.add("/image.bin.layer", std::string(as_text(image.raw_layer)));
    keys_.push_back(*image::SigningKey::from_seed(std::array<std::uint8_t, 32>{1, 2, 3}));
    image::Trust trust;
    trust.keys.push_back({keys_[0].public_key(), "test"});
    write_text(folder_ + "/trust.json", image::make_trust(trust, keys_).value());
    write_text(folder_ + "/password", "call me\n");
    options_ = {{"acs-url", acs.url()},
                {"manufacturer", "Test"},
                {"oui", "00D09E"},
                {"product-class", "TG"},
                {"serial", "S1"},
                {"hardware-version", "A"},
                {"software-version", "1.0"},
                {"security-version", "1"},
                {"trust", folder_ + "/trust.json"},
                {"state", folder_ + "/state"},
                {"store", folder_ + "/store"},
                {"slots", folder_ + "/slots"},
                {"report", report()},
                {"listen", "127.0.0.1:0"},
                {"connection-listen", "127.0.0.1:0"},
                {"connection-username", "acs"},
                {"connection-password-file", folder_ + "/password"},
                {"reboot-command", "restart"},
                {"retry-minimum", "1"},
                {"boot-spread", "0"},
                {"insecure-lab", "true"}};
}

ManagedDevice::~ManagedDevice() {
    process_.reset();
    if (!testing::Test::HasFailure()) std::filesystem::remove_all(folder_);
}

void ManagedDevice::start() {
    std::string config;
    for (const auto& [key, value] : options_)
        if (!value.empty()) config += key + " = \"" + value + "\"\n";
    write_text(folder_ + "/agent.toml", config);
    AgentProcess::Limits limits;
    limits.file_size = file_limit_;
    process_.emplace(std::vector<std::string>{"run", "--config", folder_ + "/agent.toml"}, log(),
                     limits);
}

void ManagedDevice::kill() {
    process_->signal(SIGKILL);
    (void)process_->wait();
}

std::string ManagedDevice::booting_version() const {
    const auto disk = agent::disk::posix_disk();
    auto record = agent::BootRecord::open(*disk, folder_ + "/slots");
    if (!record || !record.value()) return "no boot record";
    const auto choice = install::choose_boot(record.value()->state());
    const auto bytes = read_text(slot(install::letter(choice.slot)));
    if (bytes == as_text(factory.bytes)) return "1.0";
    return bytes == as_text(image.bytes) ? "2.0" : "not whole";
}

std::string ManagedDevice::manifest(const std::string& version, UtcTime expires) const {
    image::Manifest m;
    m.image = image.id;
    m.layout = image.layout;
    m.pieces_root = image.root;
    m.sha256 = image.sha256;
    m.name = "test-" + version;
    m.software_version = version;
    m.device = {"Test", "00D09E", "TG", {"A"}};
    m.security_version = 2;
    m.created = UtcTime{now_utc().seconds - 400LL * 24 * 3600};
    m.expires = expires.seconds > 0 ? expires : UtcTime{now_utc().seconds + 24 * 3600};
    return image::make_manifest(m, keys_).value();
}

planning::Assignment ManagedDevice::assignment() const {
    planning::Assignment out;
    out.rollout = "r1";
    out.short_id = "a1";
    out.role = planning::Role::master;
    out.image = image.id;
    out.manifest = manifest();
    out.sources = {{planning::SourceKind::origin, origin.url("/image.bin"), "", "", ""}};
    out.serving.emplace();
    out.serving->master_key_hex = std::string(64, '7');
    out.serving->cpu_gate_percent = 100;  // a test machine is busy
    out.budgets.origin_bytes = image.layout.length * 2;
    out.seed = 1;
    out.server_time = now_utc();
    return out;
}

void ManagedDevice::publish(const planning::Assignment& assignment) {
    acs.serve(kPath, planning::to_json(assignment), "application/vnd.sluice.assignment.v1+json");
}

void ManagedDevice::withdraw() {
    acs.forget(kPath);
}

cwmp::Download ManagedDevice::download(const std::string& key, const std::string& file_type) const {
    cwmp::Download out;
    out.command_key = key;
    out.file_type = file_type;
    out.url = acs.url(kPath);
    out.file_size = image.layout.length;
    return out;
}

int ManagedDevice::call() const {
    const auto url = acs.parameter("ManagementServer.ConnectionRequestURL");
    const auto slash = url.find('/', 7);
    httplib::Client client(url.substr(0, slash));
    client.set_digest_auth("acs", "call me");
    const auto got = client.Get(url.substr(slash));
    return got ? got->status : 0;
}

}  // namespace sluice::tests
