#include "tests/acs/upgrade/upgrade_rig.hpp"

#include <gtest/gtest.h>

#include "engine/base/overloaded.hpp"
#include "engine/image/sha256.hpp"

namespace sluice::upgrade::acs {
namespace {

std::string digest_of(std::string_view bytes) {
    image::Sha256 sum;
    sum.update(as_bytes(bytes));
    return sum.finish().hex();
}

std::string row_key(const service::Row& row) {
    return std::visit(
        Overloaded{
            [](const service::DeviceRow& r) { return "device/" + r.identity; },
            [](const service::ImageRow& r) { return "image/" + r.id; },
            [](const service::RolloutRow& r) { return "rollout/" + r.id; },
            [](const service::RolloutDeviceRow& r) {
                return "seat/" + r.rollout + "/" + r.identity;
            },
            [](const service::OriginCountRow& r) { return "count/" + r.rollout + "/" + r.site; },
            [](const service::UpgradeRow& r) { return "upgrade/" + r.identity + "/" + r.rollout; },
            [](const auto&) { return std::string(); },
        },
        row);
}

service::BackupRow a_backup(std::uint64_t id, const std::string& identity, std::string rollout,
                            std::uint32_t number, const std::string& bytes) {
    service::BackupRow out;
    out.id = id;
    out.identity = identity;
    out.rollout = std::move(rollout);
    out.number = number;
    out.length = bytes.size();
    out.sha256 = *from_hex(digest_of(bytes));
    return out;
}

}  // namespace

// --- vault --------------------------------------------------------------------------------------

Result<Place> FakeVault::ticket_up(const std::string& identity, const std::string& rollout,
                                   std::uint32_t number, service::WallTime) {
    return Place{"up/" + rollout + "/" + std::to_string(number), identity, "p", 0};
}

Result<Place> FakeVault::offer(std::uint64_t backup, std::uint32_t, service::WallTime) {
    const auto at = held.find(backup);
    if (at == held.end() || at->second.is_released) return Error{"no upgrade has this backup"};
    return Place{"down/" + std::to_string(backup), at->second.row.identity, "p",
                 at->second.bytes.size()};
}

std::optional<service::BackupRow> FakeVault::settle(const std::string& identity,
                                                    const std::string& rollout,
                                                    std::uint32_t number, service::Changes&) {
    for (const auto& [id, each] : held)
        if (each.row.identity == identity && each.row.rollout == rollout &&
            each.row.number == number)
            return each.row;
    return std::nullopt;
}

Result<std::uint64_t> FakeVault::keep(const std::string& identity, const std::string& rollout,
                                      std::uint32_t number, ByteView bytes, service::Changes&) {
    const auto id = held.size() + 1;
    held[id] = {a_backup(id, identity, rollout, number, std::string(as_text(bytes))),
                std::string(as_text(bytes))};
    return std::uint64_t{id};
}

void FakeVault::read(std::uint64_t backup,
                     std::function<void(Result<std::pair<service::BackupRow, Bytes>>)> done) {
    const auto tell = [this, backup, done = std::move(done)] {
        const auto at = held.find(backup);
        if (at == held.end()) return done(Error{"there is no such backup"});
        if (spoilt_reads > 0) {
            --spoilt_reads;
            return done(Error{"backup " + std::to_string(backup) + " does not open"});
        }
        const auto bytes = as_bytes(at->second.bytes);
        done(std::pair(at->second.row, Bytes(bytes.begin(), bytes.end())));
    };
    if (reads_later)
        later.push_back(tell);
    else
        tell();
}

void FakeVault::release(const std::string& identity, const std::string& rollout,
                        service::Changes&) {
    for (auto& [id, each] : held)
        if (each.row.identity == identity && each.row.rollout == rollout) each.is_released = true;
}

void FakeVault::borrow(std::uint64_t backup, std::function<void(Result<service::BackupRow>)> done) {
    const auto at = held.find(backup);
    if (at == held.end()) return done(Error{"there is no such backup"});
    at->second.is_released = false;
    done(at->second.row);
}

void FakeVault::give_back(std::uint64_t backup, service::Changes&) {
    held.at(backup).is_released = true;
}

void FakeVault::put(const std::string& identity, const std::string& url, const std::string& bytes) {
    const auto slash = url.rfind('/');
    const auto number = static_cast<std::uint32_t>(std::stoul(url.substr(slash + 1)));
    const auto rollout = url.substr(3, slash - 3);
    const auto id = held.size() + 1;
    held[id] = {a_backup(id, identity, rollout, number, bytes), bytes};
}

std::string FakeVault::get(const std::string& url) const {
    return held.at(std::stoull(url.substr(5))).bytes;
}

// --- the server ---------------------------------------------------------------------------------

Rig::Rig(const std::string& safe, std::vector<conversion::Conversion> conversions)
    : safe_(safe), conversions_(std::move(conversions)) {
    box.cpe = service::bench::an_agent(1, "home");
    restart();
}

void Rig::restart() {
    planner_.reset();
    Surroundings around;
    around.wall_time = [this] { return now; };
    around.commit = [this](service::Changes more) {
        changes.insert(changes.end(), more.begin(), more.end());
        keep();
    };
    around.vault = has_vault ? &vault : nullptr;
    around.conversions = conversions_;
    around.conversions_at_once = conversions_at_once;
    around.device = [this](const std::string& identity) { return planner_->device(identity); };
    around.convert = [](const conversion::Conversion& by, const std::string& text,
                        const std::function<void(Result<std::string>)>& done) {
        done(conversion::convert(by, text, std::chrono::seconds(5)));
    };
    upgrades_ = std::make_unique<Upgrades>(std::move(around));
    planner_ = std::make_unique<service::Planner>(
        service::bench::Bench::default_settings(), [this](std::span<std::uint8_t> out) {
            for (auto& b : out) b = static_cast<std::uint8_t>(rng_.next());
        });
    planner_->set_safeguard(*upgrades_);
    std::vector<service::Row> all;
    for (auto at = rows.rbegin(); at != rows.rend(); ++at) all.push_back(at->second);
    const auto restored = planner_->restore(all);
    ASSERT_TRUE(restored.has_value()) << restored.error().message;
}

void Rig::keep() {
    for (const auto& row : changes) {
        if (const auto* event = std::get_if<service::EventRow>(&row)) events.push_back(*event);
        if (const auto key = row_key(row); !key.empty()) rows[key] = row;
    }
    changes.clear();
}

// Durable before anything follows; then the process may die.
void Rig::call(const std::function<void(service::Planner&, service::Changes&)>& act) {
    service::Changes out;
    act(*planner_, out);
    changes.insert(changes.end(), out.begin(), out.end());
    keep();
    if (restarts_between_calls) restart();
}

void Rig::start() {
    session();
    const auto image = service::bench::an_image("2.0");
    call([&](auto& planner, auto& out) { ASSERT_TRUE(planner.publish(image, out).has_value()); });
    service::RolloutSpec spec;
    spec.image = image.id;
    spec.name = "safe";
    spec.safe = safe_;
    spec.error.verification_count = verification_count;
    call([&](auto& planner, auto& out) {
        auto started = planner.start_rollout(spec, now, out);
        if (started.has_value())
            rollout = started.value();
        else
            start_error = started.error().message;
    });
}

void Rig::publish(const service::ImageRow& image) {
    call([&](auto& planner, auto& out) {
        const auto published = planner.publish(image, out);
        ASSERT_TRUE(published.has_value()) << published.error().message;
    });
}

void Rig::pass(std::chrono::milliseconds time) {
    now = service::bench::operator+(now, time);
    call([&](auto& planner, auto& out) { planner.on_time(now, out); });
}

std::string Rig::state() {
    const auto at = rows.find("seat/" + rollout + "/" + box.cpe.identity());
    return at == rows.end() ? "" : std::get<service::RolloutDeviceRow>(at->second).state;
}
std::string Rig::why() {
    return std::get<service::RolloutDeviceRow>(
               rows.at("seat/" + rollout + "/" + box.cpe.identity()))
        .why;
}

Result<void> Rig::answer(Answer answer) {
    Result<void> result = success();
    call([&](auto&, auto& out) {
        result = upgrades_->answer(box.cpe.identity(), answer, service::Act(now, "ann"), out);
    });
    return result;
}

void Rig::session() {
    auto& cpe = box.cpe;
    cpe.report.software_version = box.version();
    cpe.config_version = box.tells_configuration ? digest_of(box.configuration).substr(0, 16) : "";
    cpe.is_healthy =
        !(box.is_unwell && box.version() == "2.0") && !box.unwell.contains(box.version());
    cpe.is_boot = std::exchange(is_boot_, false);
    call([&](auto& planner, auto& out) {
        ASSERT_TRUE(planner.on_contact(cpe.contact(), now, out).has_value());
    });
    for (const auto& word : std::exchange(box.pending, {}))
        if (!box.loses_words)
            call([&](auto& planner, auto& out) {
                planner.on_transfer_complete(cpe.identity(), word.key, word.fault, word.why, now,
                                             out);
            });
    for (int i = 0; i < 16; ++i) {
        std::optional<service::DeviceOrder> order;
        call([&](auto& planner, auto& out) {
            order = planner.next_order(cpe.identity(), now, out);
        });
        if (!order) return;
        EXPECT_TRUE(planner_->still_stands(cpe.identity(), *order)) << service::key_of(*order);
        box.order_keys.push_back(service::key_of(*order));
        const auto said = obey(*order);
        if (std::exchange(loses_next_answer, false)) return;
        call([&](auto& planner, auto& out) {
            planner.on_order_answer(cpe.identity(), *said, now, out);
        });
    }
    FAIL() << "the session does not end";
}

void Rig::run(int sessions) {
    for (int i = 0; i < sessions; ++i) {
        while (box.go_on_with_queue && !box.queue.empty()) {
            install(box.queue.front());
            box.queue.pop_front();
        }
        if (box.must_boot && box.pending.empty()) boot();
        session();
        while (!vault.later.empty()) {
            const auto next = vault.later.front();
            vault.later.pop_front();
            next();
        }
        if (box.must_boot && box.tells_before_reboot == box.pending.empty()) boot();
        const auto is_over = [&] {
            return state() == "done" || state() == "failed" || state() == "cancelled" ||
                   state() == "skipped";
        };
        if (is_over() && view().record.end != End::none) return;
        if (view().record.question != Step::end) return;
        pass(std::chrono::minutes(1));
    }
}

// --- the device ---------------------------------------------------------------------------------

void Rig::boot() {
    box.must_boot = false;
    const bool is_new = box.boot_next != box.active && box.images[box.boot_next] != "1.0";
    if (is_new && box.falls_back) {
        box.boot_next = box.active;
        for (auto& word : box.pending)
            if (word.key == box.staged_key) word = {word.key, 9010, "the new image was left again"};
    }
    box.active = box.boot_next;
    if (is_new && box.version() != "1.0" && box.loses_configuration)
        box.configuration = "ssid=new\n";
    is_boot_ = true;
}

void Rig::complete(const std::string& key, std::uint32_t fault, const std::string& why) {
    box.pending.push_back({key, fault, why});
}

std::optional<service::OrderAnswer> Rig::obey(const service::DeviceOrder& order) {
    return std::visit([this](const auto& each) { return take(each); }, order);
}

// As its name says, and as the origin gives it to whoever has the order's token.
std::string Rig::version_of(const service::DownloadOrder& order) {
    const auto token = order.path.substr(2, order.path.find('/', 2) - 2);
    const auto grant = planner_->grant(token);
    EXPECT_TRUE(grant) << order.path;
    const auto* image = grant ? planner_->image(grant->image) : nullptr;
    EXPECT_TRUE(image != nullptr && image->name == order.target_file_name) << order.path;
    return image == nullptr ? std::string() : image->software_version;
}

void Rig::install(const service::DownloadOrder& order) {
    const int other = box.active == 1 ? 2 : 1;
    box.images[other] = version_of(order);
    box.boot_next = other;
    box.must_boot = true;
    box.staged_key = order.command_key;
    complete(order.command_key, 0, "");
    if (!box.tells_before_reboot) boot();
}

service::OrderAnswer Rig::take(const service::DownloadOrder& order) {
    using service::OrderKind;
    service::OrderAnswer out{order.command_key, false, 0, ""};
    if (!box.keys.insert(order.command_key).second) return out;
    switch (order.kind) {
        case OrderKind::upgrade:
            box.told.push_back("upgrade");
            if (box.failed_downloads > 0) {
                --box.failed_downloads;
                complete(order.command_key, 9010, "the file server went away");
                return out;
            }
            if (box.misfits.contains(version_of(order)))
                complete(order.command_key, 9019, "this image is not for me");
            else if (box.is_slow)
                box.queue.push_back(order);
            else if (!box.is_stuck)
                install(order);
            return out;
        case OrderKind::configure:
            box.told.push_back("restore");
            if (box.refused_restores > 0) {
                --box.refused_restores;
                complete(order.command_key, 9018, "this is no configuration");
                return out;
            }
            box.configuration = vault.get(order.url);
            complete(order.command_key, 0, "");
            if (box.leaves_kept_image && box.version() == "1.0") {
                box.boot_next = box.active == 1 ? 2 : 1;
                box.must_boot = true;
            }
            return out;
        case OrderKind::convert:
            box.told.push_back("convert");
            box.program_name = order.target_file_name;
            box.converted = vault.get(order.url) + box.program;
            complete(order.command_key, 0, "");
            return out;
        case OrderKind::stage:
            break;
    }
    box.told.push_back("stage");
    complete(order.command_key, 0, "");
    return out;
}

service::OrderAnswer Rig::take(const service::CancelOrder& order) {
    box.told.push_back("cancel");
    if (box.refuses_cancel) return {order.command_key, false, 9021, "it is too late"};
    const auto gone = std::erase_if(
        box.queue, [&](const auto& each) { return each.command_key == order.command_key; });
    box.keys.erase(order.command_key);
    if (box.is_slow && gone == 0) return {order.command_key, false, 9021, "there is none"};
    return {order.command_key, true, 0, ""};
}

service::OrderAnswer Rig::take(const service::UploadOrder& order) {
    service::OrderAnswer out{order.command_key, false, 0, ""};
    if (order.file_type.starts_with("3 ") && !box.knows_new_type)
        return {order.command_key, false, 9003, "unknown file type"};
    if (!box.keys.insert(order.command_key).second) return out;
    box.told.push_back(order.file_type.empty()            ? "upload converted"
                       : order.file_type.starts_with("1") ? "upload old"
                                                          : "upload");
    vault.put(box.cpe.identity(), order.url,
              order.file_type.empty() ? box.converted : box.configuration);
    complete(order.command_key, 0, "");
    return out;
}

service::OrderAnswer Rig::take(const service::RebootOrder& order) {
    box.told.push_back("reboot");
    box.must_boot = true;
    return {order.command_key, true, 0, ""};
}

service::OrderAnswer Rig::take(const service::SetOrder& order) {
    box.told.push_back("set");
    EXPECT_EQ(order.values.at(0).name, "Device.DeviceInfo.BootFirmwareImage");
    box.boot_next = order.values.at(0).value.back() - '0';
    return {order.command_key, true, 0, ""};
}

service::OrderAnswer Rig::take(const service::ReadOrder& order) {
    service::OrderAnswer out{order.command_key, true, 0, ""};
    const auto add = [&](const std::string& name, const std::string& value) {
        for (const auto& asked : order.names)
            if (name == asked || (asked.back() == '.' && name.starts_with(asked)))
                out.values.push_back({name, value});
    };
    const std::string info = "Device.DeviceInfo.";
    if (box.has_images) {
        add(info + "ActiveFirmwareImage", info + "FirmwareImage." + std::to_string(box.active));
        for (const auto& [slot, version] : box.images) {
            const auto row = info + "FirmwareImage." + std::to_string(slot) + ".";
            add(row + "Version", version);
            add(row + "Available", version.empty() ? "0" : "1");
        }
    }
    if (box.tells_configuration)
        add(info + "VendorConfigFile.1.Version", digest_of(box.configuration).substr(0, 16));
    add("Device.WiFi.SSID.1.SSID", box.configuration.substr(0, box.configuration.find('\n')));
    if (order.asks_methods) out.methods = {"Download", "Reboot"};
    if (order.asks_methods && box.lists_upload) out.methods.emplace_back("Upload");
    return out;
}

}  // namespace sluice::upgrade::acs
