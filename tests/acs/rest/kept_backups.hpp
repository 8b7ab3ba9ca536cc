#pragma once
// A locker for tests of the API and of the command line, over maps in place of a store.

#include <map>

#include "acs-plugin/backup/locker.hpp"
#include "tests/acs/rest/api_rig.hpp"

namespace sluice::rest {

class KeptBackups {
public:
    // Before the server starts; `host` outlives it, but for the server.
    explicit KeptBackups(ApiHost& host) : host_(host) {
        backup::LockerOptions terms;
        terms.origin_url = "http://origin.example";
        terms.wall_time = host.options.wall_time;
        terms.random = host.options.random;
        host.options.commit = [this, on = host.options.commit](service::Changes changes,
                                                               auto done) {
            keep(changes);
            on(std::move(changes), std::move(done));
        };
        terms.commit = host.options.commit;
        terms.rows = [this](const service::BackupQuery& query, auto done) {
            std::vector<service::BackupRow> out;
            for (const auto& [id, row] : rows)
                if (id > query.after && (query.id == 0 || query.id == id) &&
                    (query.identity.empty() || query.identity == row.identity) &&
                    (query.other_key_than.empty() || query.other_key_than != row.key_id) &&
                    out.size() < query.at_most)
                    out.push_back(row);
            done(std::move(out));
        };
        terms.bytes = [this](std::uint64_t id, auto done) {
            const auto at = bytes.find(id);
            done(at == bytes.end() ? std::nullopt : std::optional(at->second));
        };
        terms.tally = [this](auto done) {
            std::map<std::string, service::BackupTally> by_key;
            for (const auto& [id, row] : rows) {
                auto& each = by_key[row.key_id];
                each = {row.key_id, each.count + 1, each.bytes + row.length};
            }
            std::vector<service::BackupTally> out;
            for (const auto& [key, each] : by_key) out.push_back(each);
            done(std::move(out));
        };
        terms.versions = [](const std::string&) { return std::pair{"4.2.0", "cfg-9"}; };
        const auto keys = "spring:" + std::string(64, 'a');
        locker = std::make_unique<backup::Locker>(backup::KeyRing::parse(keys).value(),
                                                  std::move(terms));
        host.options.locker = locker.get();
    }

    // A device brings it, and its order is over.
    void bring(const std::string& identity, const std::string& text, bool is_released = true) {
        host_.on_server([&] {
            backup::Claim claim;
            claim.number = ++number_;
            claim.rollout = "r";
            locker->put(claim, identity, text, [](backup::Word) {});
            service::Changes changes;
            locker->settle(identity, "r", number_, changes);
            if (is_released) locker->release(identity, "r", changes);
            keep(changes);
        });
    }

    std::map<std::uint64_t, service::BackupRow> rows;
    std::map<std::uint64_t, std::string> bytes;
    std::unique_ptr<backup::Locker> locker;

private:
    void keep(const service::Changes& changes) {
        for (const auto& each : changes) {
            if (const auto* row = std::get_if<service::BackupRow>(&each)) {
                rows[row->id] = *row;
                if (row->is_gone) rows.erase(row->id);
            }
            const auto* sealed = std::get_if<service::BackupBytes>(&each);
            if (sealed == nullptr) continue;
            bytes[sealed->id] = sealed->sealed;
            rows[sealed->id].key_id = sealed->key_id;
        }
    }

    ApiHost& host_;
    std::uint32_t number_ = 0;
};

}  // namespace sluice::rest
