#pragma once
// The inside of the locker: what is in memory of backups, and how they are sealed and opened.
// Inside acs-plugin/backup only.

#include <map>

#include "acs-plugin/backup/locker.hpp"
#include "acs-plugin/backup/rotation.hpp"

namespace sluice::backup {

// A backup that somebody works with.
struct Live {
    service::BackupRow row;
    std::string sealed{};  // until it is durable
};

struct Locker::Impl : std::enable_shared_from_this<Locker::Impl> {
    Impl(KeyRing k, LockerOptions o)
        : keys(std::move(k)),
          options(std::move(o)),
          tickets(keys),
          rotation({keys, options.random, options.commit, options.rows, options.bytes,
                    [this](std::uint64_t id, const std::string& key) {
                        if (const auto at = live.find(id); at != live.end())
                            at->second.row.key_id = key;
                    },
                    options.log}) {}

    template <class IsIt>
    Live* find(IsIt is_it) {
        for (auto& [id, it] : live)
            if (is_it(it.row)) return &it;
        return nullptr;
    }
    Result<Place> ticket(const Claim& claim, const std::string& identity, std::string_view name,
                         std::uint64_t length) const;
    service::Changes seal(service::BackupRow row, ByteView clear);
    Result<service::BackupRow> borrowed(const service::BackupRow& row);
    void write(service::Changes changes);
    void stored(const service::BackupRow& row, bool is_new, std::size_t bytes,
                const Result<void>& written, const std::function<void(Word)>& done);
    void is_durable(const service::BackupRow& row);
    Result<Bytes> opened(const service::BackupRow& row, std::string_view sealed) const;
    void open(const service::BackupRow& row, std::function<void(Result<Bytes>)> done) const;
    void look_up(std::uint64_t id, std::function<void(Result<service::BackupRow>)> done) const;
    void let_go(const Live& it, service::Changes& out);

    const KeyRing keys;
    const LockerOptions options;
    const TicketBook tickets;
    LockerCounters counters;
    std::function<void(const service::BackupRow&)> told;
    std::map<std::uint64_t, Live> live;
    // Made here, in commits of others: by the one after the next on_time they are durable.
    std::vector<service::BackupRow> to_be_durable;
    std::uint64_t last_id = 0;
    std::size_t under_way = 0;  // bytes
    Rotation rotation;
};

}  // namespace sluice::backup
