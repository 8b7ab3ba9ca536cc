#pragma once
// A planner with safe upgrades, a vault in memory, and one device that does what it is told, in
// simulated time. The process can die between any two calls and comes back with its rows alone.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "acs-plugin/upgrade/upgrades.hpp"
#include "tests/service/acs_bench.hpp"

namespace sluice::upgrade::acs {

// Backups in clear; what was read may be spoilt, and said later.
class FakeVault final : public Vault {
public:
    struct Held {
        service::BackupRow row;
        std::string bytes;
        bool is_released = false;
    };

    Result<Place> ticket_up(const std::string& identity, const std::string& rollout,
                            std::uint32_t number, service::WallTime expires) override;
    Result<Place> offer(std::uint64_t backup, std::uint32_t number,
                        service::WallTime expires) override;
    std::optional<service::BackupRow> settle(const std::string& identity,
                                             const std::string& rollout, std::uint32_t number,
                                             service::Changes& out) override;
    Result<std::uint64_t> keep(const std::string& identity, const std::string& rollout,
                               std::uint32_t number, ByteView bytes,
                               service::Changes& out) override;
    void read(std::uint64_t backup,
              std::function<void(Result<std::pair<service::BackupRow, Bytes>>)> done) override;
    void release(const std::string& identity, const std::string& rollout,
                 service::Changes& out) override;
    void borrow(std::uint64_t backup,
                std::function<void(Result<service::BackupRow>)> done) override;
    void give_back(std::uint64_t backup, service::Changes& out) override;

    void put(const std::string& identity, const std::string& url, const std::string& bytes);
    std::string get(const std::string& url) const;

    std::map<std::uint64_t, Held> held;
    int spoilt_reads = 0;  // so many fail
    bool reads_later = false;
    std::deque<std::function<void()>> later;
};

// One device. Public: tests turn its screws.
struct Box {
    service::bench::Cpe cpe;
    std::map<int, std::string> images = {{1, "1.0"}, {2, ""}};  // versions by slot
    int active = 1, boot_next = 1;
    std::string configuration = "ssid=home\nkey=secret\n";
    bool lists_upload = true, has_images = true, knows_new_type = true;
    bool tells_configuration = true;   // its version
    bool tells_before_reboot = false;  // TransferComplete first, and then boots
    bool loses_words = false;          // TransferCompletes never come
    bool loses_configuration = false;  // by the new image
    bool falls_back = false;           // the new image does not come up: the loader takes the old
    bool is_unwell = false;            // on the rollout's image
    bool leaves_kept_image = false;    // boots the other one after each restore on that
    bool is_stuck = false;             // takes an image, and says no more of it
    std::set<std::string> misfits;     // versions whose images it refuses
    int refused_restores = 0;
    int failed_downloads = 0;
    std::string program = "";  // what its own conversion does: appended
    std::string program_name;  // that it was asked for

    std::set<std::string> unwell{};  // versions
    // Downloads of images are taken, and lie in the queue until they go on.
    bool is_slow = false, go_on_with_queue = false, refuses_cancel = false;
    std::deque<service::DownloadOrder> queue{};

    bool must_boot = false;
    std::string staged_key, converted;
    std::vector<service::bench::Cpe::Complete> pending;
    std::vector<std::string> told;  // "upload", "upgrade", "restore", "reboot", …
    std::set<std::string> keys;     // of orders that it did
    std::vector<std::string> order_keys;

    std::string version() const { return images.at(active); }
};

class Rig {
public:
    explicit Rig(const std::string& safe, std::vector<conversion::Conversion> conversions = {});

    Box box;
    FakeVault vault;
    service::WallTime now = service::bench::kStart;
    std::map<std::string, service::Row> rows;
    std::vector<service::EventRow> events;
    std::string rollout;
    std::uint32_t verification_count = 1;  // of the rollout's errors
    bool restarts_between_calls = false;
    bool has_vault = true;  // from the next restart on
    std::size_t conversions_at_once = 4;
    bool loses_next_answer = false;
    std::optional<std::string> start_error;

    void start();
    void session();
    // Sessions, each after the device did what it was told, until the rollout is finished or
    // nothing more happens; minutes pass between them.
    void run(int sessions = 60);
    void pass(std::chrono::milliseconds time);
    void restart();
    std::string state();
    std::string why();
    // A published image beside the rollout's.
    void publish(const service::ImageRow& image);
    // Empty before it begins.
    UpgradeView view() const {
        return upgrades_->upgrade(box.cpe.identity()).value_or(UpgradeView{});
    }
    Result<void> answer(Answer answer);
    service::Planner& planner() { return *planner_; }
    Upgrades& upgrades() { return *upgrades_; }
    service::Changes changes;
    void keep();

private:
    void call(const std::function<void(service::Planner&, service::Changes&)>& act);
    std::optional<service::OrderAnswer> obey(const service::DeviceOrder& order);
    service::OrderAnswer take(const service::DownloadOrder& order);
    service::OrderAnswer take(const service::CancelOrder& order);
    service::OrderAnswer take(const service::UploadOrder& order);
    service::OrderAnswer take(const service::RebootOrder& order);
    service::OrderAnswer take(const service::SetOrder& order);
    service::OrderAnswer take(const service::ReadOrder& order);
    void install(const service::DownloadOrder& order);
    std::string version_of(const service::DownloadOrder& order);
    void boot();
    void complete(const std::string& key, std::uint32_t fault, const std::string& why);

    std::string safe_;
    std::vector<conversion::Conversion> conversions_;
    std::unique_ptr<service::Planner> planner_;
    std::unique_ptr<Upgrades> upgrades_;
    Rng rng_{7};
    std::uint64_t next_row_ = 0;
    bool is_boot_ = true;
};

}  // namespace sluice::upgrade::acs
