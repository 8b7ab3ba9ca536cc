#pragma once
// A row of each kind with every field said, and equality that a new field of a row breaks at
// compile time: what the store forgets is seen.

#include <tuple>

#include "acs-plugin/service/rows.hpp"

namespace sluice::service {

inline auto fields_of(const inventory::DeviceReport& r) {
    const auto& [oui, product, serial, maker, hardware, software, site, cpu, cache, up, down, has,
                 server, enabled, protocols, kind, gateway] = r;
    return std::tie(oui, product, serial, maker, hardware, software, site, cpu, cache, up, down,
                    has, server, enabled, protocols, kind, gateway);
}
inline bool operator==(const DeviceRow& a, const DeviceRow& b) {
    const auto fields = [](const DeviceRow& r) {
        const auto& [identity, report, url, user, password, config, root, cwmp, envelopes, first,
                     last, zone] = r;
        return std::tuple_cat(fields_of(report),
                              std::tie(identity, url, user, password, config, root, cwmp, envelopes,
                                       first, last, zone));
    };
    return fields(a) == fields(b);
}
inline bool operator==(const ImageRow& a, const ImageRow& b) {
    const auto fields = [](const ImageRow& r) {
        const auto& [id, firmware, name, version, manifest, length, piece, vendor, published] = r;
        return std::tie(id, firmware, name, version, manifest, length, piece, vendor, published);
    };
    return fields(a) == fields(b);
}
inline bool operator==(const RolloutRow& a, const RolloutRow& b) {
    const auto fields = [](const RolloutRow& r) {
        const auto& [id, image, spec, state, key, started, finished, progress, settled, outcome] =
            r;
        return std::tie(id, image, spec, state, key, started, finished, progress, settled, outcome);
    };
    return fields(a) == fields(b);
}
inline bool operator==(const RolloutDeviceRow& a, const RolloutDeviceRow& b) {
    const auto fields = [](const RolloutDeviceRow& r) {
        const auto& [rollout, identity, state, part, site, plan, token, key, attempts, fault, why,
                     changed, ordered, fetched, done, peer, origin] = r;
        return std::tie(rollout, identity, state, part, site, plan, token, key, attempts, fault,
                        why, changed, ordered, fetched, done, peer, origin);
    };
    return fields(a) == fields(b);
}
inline bool operator==(const OriginCountRow& a, const OriginCountRow& b) {
    const auto fields = [](const OriginCountRow& r) {
        const auto& [rollout, site, bytes, requests, canary, base, permitted] = r;
        return std::tie(rollout, site, bytes, requests, canary, base, permitted);
    };
    return fields(a) == fields(b);
}
inline bool operator==(const SiteImportRow& a, const SiteImportRow& b) {
    const auto fields = [](const SiteImportRow& r) {
        const auto& [identity, site] = r;
        return std::tie(identity, site);
    };
    return fields(a) == fields(b);
}
inline bool operator==(const EventRow& a, const EventRow& b) {
    const auto fields = [](const EventRow& r) {
        const auto& [number, at, kind, who, rollout, identity, site, from, to, why] = r;
        return std::tie(number, at, kind, who, rollout, identity, site, from, to, why);
    };
    return fields(a) == fields(b);
}
inline bool operator==(const TokenRow& a, const TokenRow& b) {
    const auto fields = [](const TokenRow& r) {
        const auto& [id, name, role, hash, created, expires, revoked] = r;
        return std::tie(id, name, role, hash, created, expires, revoked);
    };
    return fields(a) == fields(b);
}
inline bool operator==(const WebhookRow& a, const WebhookRow& b) {
    const auto fields = [](const WebhookRow& r) {
        const auto& [id, url, secret, kinds, gone, delivered] = r;
        return std::tie(id, url, secret, kinds, gone, delivered);
    };
    return fields(a) == fields(b);
}
inline bool operator==(const PolicyRow& a, const PolicyRow& b) {
    const auto fields = [](const PolicyRow& r) {
        const auto& [name, text, version] = r;
        return std::tie(name, text, version);
    };
    return fields(a) == fields(b);
}
inline bool operator==(const IdempotencyRow& a, const IdempotencyRow& b) {
    const auto fields = [](const IdempotencyRow& r) {
        const auto& [key, who, request, status, answer, at] = r;
        return std::tie(key, who, request, status, answer, at);
    };
    return fields(a) == fields(b);
}
inline bool operator==(const CanaryRow& a, const CanaryRow& b) {
    const auto fields = [](const CanaryRow& r) {
        const auto& [model, kind, passed, faulted] = r;
        return std::tie(model, kind, passed, faulted);
    };
    return fields(a) == fields(b);
}
inline bool operator==(const UpgradeRow& a, const UpgradeRow& b) {
    const auto fields = [](const UpgradeRow& r) {
        const auto& [identity, rollout, record, memory, at, over] = r;
        return std::tie(identity, rollout, record, memory, at, over);
    };
    return fields(a) == fields(b);
}
inline bool operator==(const BackupRow& a, const BackupRow& b) {
    const auto fields = [](const BackupRow& r) {
        const auto& [id, identity, rollout, number, taken, software, config, length, sha256, key,
                     made, settled, pinned, gone] = r;
        return std::tie(id, identity, rollout, number, taken, software, config, length, sha256, key,
                        made, settled, pinned, gone);
    };
    return fields(a) == fields(b);
}
inline bool operator==(const BackupBytes& a, const BackupBytes& b) {
    return a.id == b.id && a.key_id == b.key_id && a.sealed == b.sealed;
}
inline bool operator==(const BackupsTrimmed& a, const BackupsTrimmed& b) {
    return a.identity == b.identity && a.kept == b.kept;
}
inline bool operator==(const DeviceGone& a, const DeviceGone& b) {
    return a.identity == b.identity;
}

}  // namespace sluice::service

namespace sluice::store {

inline service::DeviceRow a_device(const std::string& identity) {
    service::DeviceRow out;
    out.identity = identity;
    auto& r = out.report;
    r.oui = "00D09E";
    r.product_class = "GW3";
    r.serial = "S-1 'quoted' \"twice\"; DROP TABLE device; --";
    r.manufacturer = "ACMÉ";
    r.hardware_version = "A";
    r.software_version = "4.2.0";
    r.site = {inventory::SiteSource::gateway, "home-7"};
    r.cpu_percent = 12.5;
    r.cache_bytes = ~std::uint64_t{0};
    r.uplink_bps = 10'000'000;
    r.downlink_bps = 100'000'000'000;
    r.has_file_server = true;
    r.file_server = {*inventory::parse_address("fd00::7"), 7547, true};
    r.is_enabled = false;
    r.protocols = inventory::kPeerHttpV1;
    r.kind = inventory::DeviceKind::agent;
    r.is_gateway = true;
    out.connection_url = "http://192.0.2.7:30005/";
    out.connection_username = "acs";
    out.connection_password = "secret";
    out.config_version = "cfg-9";
    out.root = "Device.";
    out.cwmp = 4;
    out.max_envelopes = 2;
    out.first_seen = {1'772'366'400'123};
    out.last_seen = {1'772'366'400'456};
    out.time_zone = "CET-1CEST,M3.5.0,M10.5.0/3";
    return out;
}

inline service::ImageRow an_image(const std::string& id) {
    return {id,    false, "gw3.cfg", "4.2.1", "{\"payload\":\"…\"}", std::uint64_t{4} << 30,
            65536, true,  {5}};
}

inline service::RolloutRow a_rollout(const std::string& id) {
    return {id,
            "aa",
            "{}",
            service::RolloutState::paused,
            Bytes{0, 1, 0xff},
            {7},
            {9},
            "{\"waves\":[]}",
            {0},
            "{\"devices\":1}"};
}

inline service::RolloutDeviceRow a_part(const std::string& rollout, const std::string& identity) {
    return {rollout, identity, "fetching", "master", "home-7", "{\"a\":1}", "tok", "key", 3,
            9010,    "why",    {1},        {2},      {3},      {4},         5,     6};
}

inline service::EventRow an_event(const std::string& kind, const std::string& identity = {}) {
    return {0, {3}, kind, "planner", "r", identity, "home-7", "due", "ordered", "its turn"};
}

inline service::BackupRow a_backup(std::uint64_t id, const std::string& identity) {
    return {id,
            identity,
            "r",
            3,
            {1'772'366'400'123},
            "4.2.0",
            "cfg-9",
            100,
            Bytes(32, 7),
            "spring",
            false,
            true,
            false,
            false};
}

}  // namespace sluice::store
