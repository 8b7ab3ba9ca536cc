#pragma once
// One device's safe upgrade over SNMP: what engine/upgrade asks for becomes orders of
// SLUICE-IAD-MIB, what the device says becomes its events. All of it is kept in one file, written
// before anything follows from it, so that the manager can be killed and goes on.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "acs-plugin/conversion/conversion.hpp"
#include "acs-plugin/iad/mover.hpp"
#include "acs-plugin/iad/station/cabinet.hpp"
#include "acs-plugin/iad/station/snmp.hpp"
#include "acs-plugin/iad/words.hpp"
#include "engine/upgrade/procedure.hpp"

namespace sluice::iad {

struct UpgradeOptions {
    std::string name;          // of the device, as people and files call it
    std::string folder;        // what is kept of it: record.json, backups
    FileServer device_server;  // as the device reaches the file server
    FileServer our_server;     // as we do
    std::string image;         // its name at the file server
    std::uint32_t image_length = 0;
    Bytes image_digest;
    std::string version;  // that the device reports with it
    upgrade::Policy policy;
    std::vector<conversion::Conversion> conversions;
    std::optional<backup::KeyRing> backup_keys;  // none: configurations lie in clear
    Duration conversion_limit = std::chrono::minutes(1);
    // The old version is seen for so long after a reset: the device went back by itself.
    Duration settle = std::chrono::minutes(2);
    Duration poll = std::chrono::seconds(2);
};

// What is shown of it.
struct UpgradeView {
    upgrade::Record record;
    std::uint32_t progress = 0;  // of the step, percent
    std::string detail;          // what the device or a server said last
};

class Upgrade {
public:
    // Goes on with what the folder has, where that is not over. `now` is UTC, as are all Instants
    // here: they outlive the process.
    static Result<std::unique_ptr<Upgrade>> open(UpgradeOptions options, Peer& peer, Instant now);

    void on_time(Instant now);
    void on_heard(const Heard& heard, Instant now);
    // The operator's. `configuration`: a file to be restored as it is; `image`: a name at the file
    // server.
    void accept(Instant now);
    void decline(Instant now);
    Result<void> correct_configuration(const std::string& file, Instant now);
    void correct_image(const std::string& name, std::uint32_t length, Bytes digest,
                       std::string version, Instant now);
    // Whether one or the other is of use at the question that is open.
    Result<void> check_correction(bool is_image) const;
    void call_off(Instant now);

    UpgradeView view() const;
    bool is_over() const { return procedure_.is_over(); }
    std::uint64_t stale() const { return stale_; }  // notifications that told nothing new
    const std::string& address() const { return peer_.address(); }

private:
    // What survives beside the record.
    struct Memory {
        std::uint32_t base = 0;  // orders are numbered from here: never twice for one device
        std::string old_version, backup;  // the backup's name, here and at the file server
        std::uint32_t backup_length = 0;
        Bytes backup_digest;
        std::string restored;  // the name of what is restored
        std::uint32_t restored_length = 0;
        Bytes restored_digest;
    };
    struct Waiting {
        upgrade::Do what;
        std::uint32_t order = 0;  // 0: no order, the facts are looked at
        bool is_given = false;
        Instant next_poll{}, since_old{};
    };

    Upgrade(UpgradeOptions options, Peer& peer)
        : options_(std::move(options)),
          peer_(peer),
          procedure_(options_.policy),
          cabinet_(options_.folder, options_.name, options_.backup_keys) {}
    Result<void> restore(Instant now);
    Result<void> keep();
    void handle(const upgrade::Event& event, Instant now);
    void begin(const upgrade::Do& what, Instant now);
    void go_on(Instant now);
    void end(upgrade::Outcome outcome, upgrade::Reason reason, std::string detail, Instant now);
    void fail(const Error& error, Instant now);

    std::optional<Order> order_for(const upgrade::Do& what) const;
    void give_order(Instant now);
    void look(Instant now);
    void judge(const Facts& facts, Instant now);
    void judge(const Outcome& outcome, Instant now);
    void judge_version(const Facts& facts, Instant now);
    Result<void> fetch_backup();
    Result<void> convert_here(Instant now);
    Result<void> offer(const std::string& name, ByteView bytes);
    // What is to be restored: kept here, put on the file server.
    Result<void> prepare(const std::string& name, ByteView bytes);
    std::string path(const std::string& name) const { return options_.folder + "/" + name; }
    std::uint32_t order_number(const upgrade::Do& what) const { return memory_.base + what.number; }

    UpgradeOptions options_;
    Peer& peer_;
    upgrade::Procedure procedure_;
    Cabinet cabinet_;
    Memory memory_;
    std::optional<Waiting> waiting_;
    std::uint32_t progress_ = 0;
    std::uint64_t stale_ = 0;
    std::string detail_;
};

}  // namespace sluice::iad
