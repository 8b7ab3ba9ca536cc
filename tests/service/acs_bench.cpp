#include "tests/service/acs_bench.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include "engine/base/overloaded.hpp"
#include "engine/image/manifest.hpp"
#include "engine/image/merkle.hpp"
#include "engine/planning/assignment_json.hpp"

namespace sluice::service::bench {
namespace {

std::string key_of(const Row& row) {
    return std::visit(
        Overloaded{
            [](const DeviceRow& r) { return "device/" + r.identity; },
            [](const ImageRow& r) { return "image/" + r.id; },
            [](const RolloutRow& r) { return "rollout/" + r.id; },
            [](const RolloutDeviceRow& r) { return "seat/" + r.rollout + "/" + r.identity; },
            [](const OriginCountRow& r) { return "count/" + r.rollout + "/" + r.site; },
            [](const SiteImportRow& r) { return "import/" + r.identity; },
            [](const CanaryRow& r) { return "canary/" + r.model + "/" + r.kind; },
            [](const PolicyRow& r) { return "policy/" + r.name; },
            // Of these a planner keeps nothing; a device's own rows are what goes.
            [](const auto&) { return std::string(); },
        },
        row);
}

}  // namespace

ImageRow an_image(const std::string& version, bool is_vendor_verified) {
    image::Manifest m;
    m.layout = {kImageLength, 65536};
    m.pieces_root.bytes.fill(static_cast<std::uint8_t>(version.back()));
    m.sha256.bytes.fill(1);
    m.image = image::image_id(m.layout, m.pieces_root);
    m.name = "fw-" + version;
    m.software_version = version;
    m.device = {"ACME", "00D09E", "GW3", {"A"}};
    m.created = {1'700'000'000};
    m.expires = {1'900'000'000};
    m.vendor_verified = is_vendor_verified;
    const Bytes seed(32, 7);
    std::vector<image::SigningKey> keys;
    keys.push_back(std::move(*image::SigningKey::from_seed(seed)));
    ImageRow out;
    out.id = m.image.hex();
    out.name = m.name;
    out.manifest = image::make_manifest(m, keys).value();
    return out;
}

ImageRow a_configuration(const std::string& version) {
    ImageRow out;
    out.id = std::string(64, 'c');
    out.is_firmware = false;
    out.name = "config";
    out.software_version = version;
    out.length = 1234;
    return out;
}

Cpe an_agent(int n, const std::string& site) {
    Cpe out;
    out.site = site;
    auto& r = out.report;
    r.oui = "00D09E";
    r.product_class = "GW3";
    r.serial = std::to_string(n);
    r.manufacturer = "ACME";
    r.hardware_version = "A";
    r.software_version = "1.0";
    r.cpu_percent = n % 50;
    r.uplink_bps = r.downlink_bps = 1'000'000'000;
    r.cache_bytes = 256u << 20;
    r.kind = inventory::DeviceKind::agent;
    r.protocols = inventory::kPeerHttpV1;
    r.has_file_server = true;
    r.file_server = inventory::parse_endpoint("http://192.168." + std::to_string(n / 250) + "." +
                                              std::to_string(n % 250 + 1) + ":7547")
                        .value();
    return out;
}

Cpe a_plain(int n, const std::string& site) {
    auto out = an_agent(n, site);
    auto& r = out.report;
    r.kind = inventory::DeviceKind::plain;
    r.protocols = 0;
    r.has_file_server = false;
    r.file_server = {};
    r.cpu_percent.reset();
    return out;
}

Contact Cpe::contact() const {
    Contact out;
    out.report = report;
    out.evidence.parameter = site;
    out.connection_url = connection_url;
    out.config_version = config_version;
    out.root = "Device.";
    out.is_boot = is_boot;
    out.is_healthy = is_healthy;
    out.state = state;
    return out;
}

PlannerSettings Bench::default_settings() {
    PlannerSettings out;
    out.origin_url = "http://198.51.100.7:7548";
    return out;
}

Bench::Bench(PlannerSettings settings) : settings_(std::move(settings)) {
    restart();
}

void Bench::restart() {
    planner_ = std::make_unique<Planner>(settings_, [this](std::span<std::uint8_t> out) {
        for (auto& b : out) b = static_cast<std::uint8_t>(rng_.next());
    });
    // In any order: last first.
    std::vector<Row> all;
    for (auto at = rows.rbegin(); at != rows.rend(); ++at) all.push_back(at->second);
    const auto restored = planner_->restore(all);
    ASSERT_TRUE(restored.has_value()) << restored.error().message;
}

void Bench::keep(const Changes& changes) {
    for (const auto& row : changes) {
        if (const auto* event = std::get_if<EventRow>(&row))
            events.push_back(*event);
        else if (const auto* gone = std::get_if<DeviceGone>(&row))
            forget(gone->identity);
        else
            rows[key_of(row)] = row;
    }
    if (between) between();
}

void Bench::forget(const std::string& identity) {
    std::erase_if(rows, [&](const auto& each) {
        const auto* seat = std::get_if<RolloutDeviceRow>(&each.second);
        return each.first == "device/" + identity || each.first == "import/" + identity ||
               (seat != nullptr && seat->identity == identity);
    });
}

Cpe& Bench::add(Cpe cpe) {
    const auto identity = cpe.identity();
    auto& out = *(cpes_[identity] = std::make_unique<Cpe>(std::move(cpe)));
    session(out);
    return out;
}

std::vector<Cpe*> Bench::all() {
    std::vector<Cpe*> out;
    for (auto& [identity, cpe] : cpes_) out.push_back(cpe.get());
    return out;
}

void Bench::publish(ImageRow image) {
    Changes out;
    const auto done = planner_->publish(std::move(image), out);
    ASSERT_TRUE(done.has_value()) << done.error().message;
    keep(out);
}

std::string Bench::start(const std::string& image,
                         const std::function<void(RolloutSpec&)>& change) {
    RolloutSpec spec;
    spec.name = "r";
    spec.image = image;
    if (change) change(spec);
    Changes out;
    const auto id = planner_->start_rollout(spec, now, out);
    EXPECT_TRUE(id.has_value()) << id.error().message;
    keep(out);
    tick();
    return id.has_value() ? id.value() : "";
}

void Bench::take(Cpe& cpe, const DeviceOrder& order) {
    OrderAnswer answer;
    if (const auto* cancel = std::get_if<CancelOrder>(&order)) {
        cpe.cancels.push_back(*cancel);
        answer.command_key = cancel->command_key;
        if (cpe.transfer && cpe.transfer->order.command_key == cancel->command_key)
            cpe.transfer.reset();
    } else {
        const auto& download = std::get<DownloadOrder>(order);
        cpe.orders.push_back(download);
        static constexpr const char* kKinds[] = {"stage", "upgrade", "configure"};
        log.push_back(cpe.identity() + " " + kKinds[static_cast<int>(download.kind)] + " " +
                      download.command_key);
        answer.command_key = download.command_key;
        if (cpe.answer) answer = cpe.answer(download);
        // An agent does no order twice that it has, or has not delivered yet.
        const bool is_known =
            cpe.is_agent() &&
            ((cpe.transfer && cpe.transfer->order.command_key == download.command_key) ||
             cpe.last_key == download.command_key);
        if (!is_known && answer.fault == 0 && !answer.is_done)
            cpe.transfer = Transfer{download, now, true};
        if (!is_known && cpe.transfer && cpe.is_agent()) cpe.state = "Fetching";
    }
    Changes out;
    planner_->on_order_answer(cpe.identity(), answer, now, out);
    keep(out);
}

void Bench::session(Cpe& cpe) {
    Changes out;
    const auto identity = planner_->on_contact(cpe.contact(), now, out);
    ASSERT_TRUE(identity.has_value()) << identity.error().message;
    keep(out);
    cpe.is_boot = false;
    while (!cpe.pending.empty()) {
        Changes more;
        const auto& c = cpe.pending.front();
        planner_->on_transfer_complete(cpe.identity(), c.key, c.fault, c.why, now, more);
        keep(more);
        cpe.last_key.clear();
        cpe.pending.pop_front();
    }
    for (int i = 0; i < 8; ++i) {
        Changes more;
        const auto order = planner_->next_order(cpe.identity(), now, more);
        keep(more);
        if (!order) return;
        take(cpe, *order);
    }
    FAIL() << cpe.identity() << ": the session does not end";
}

std::optional<DeviceOrder> Bench::session_lost_at_order(Cpe& cpe) {
    Changes out;
    EXPECT_TRUE(planner_->on_contact(cpe.contact(), now, out).has_value());
    keep(out);
    cpe.is_boot = false;
    Changes more;
    auto order = planner_->next_order(cpe.identity(), now, more);
    keep(more);
    return order;
}

void Bench::tick() {
    for (int i = 0; i < 1000; ++i) {
        const auto next = planner_->next_deadline();
        Changes out;
        planner_->on_time(now, out);
        keep(out);
        if (!next || next->unix_ms != 0) return;
    }
}

void Bench::pass(std::chrono::milliseconds time) {
    now = now + time;
    tick();
}

std::vector<std::string> Bench::call(const std::function<bool(Cpe&)>& reachable) {
    auto named = planner_->to_call(now, 1000);
    for (const auto& identity : named) {
        auto& cpe = at(identity);
        const bool is_reached = reachable(cpe);
        planner_->on_called(identity, is_reached, now);
        if (is_reached) session(cpe);
    }
    return named;
}

void Bench::finish(Cpe& cpe) {
    ASSERT_TRUE(cpe.transfer) << cpe.identity() << " has no transfer";
    const auto order = cpe.transfer->order;
    cpe.transfer.reset();
    const bool is_staged_already = cpe.is_agent() && cpe.has_image;
    if (!is_staged_already) ++cpe.fetched;
    cpe.has_image = true;
    if (order.kind == OrderKind::stage) {
        cpe.state = "Staged";
    } else if (order.kind == OrderKind::configure) {
        for (const auto& [key, row] : rows)
            if (const auto* image = std::get_if<ImageRow>(&row))
                if (!image->is_firmware) cpe.config_version = image->software_version;
    } else {
        ++cpe.installed;
        cpe.report.software_version = order.target_file_name.substr(3);
        cpe.is_boot = true;
        if (cpe.is_agent()) cpe.state = "Trial", cpe.is_healthy = true;
    }
    cpe.pending.push_back({order.command_key, 0, ""});
    cpe.last_key = order.command_key;
}

void Bench::fault(Cpe& cpe, std::uint32_t code, const std::string& why) {
    ASSERT_TRUE(cpe.transfer) << cpe.identity() << " has no transfer";
    cpe.pending.push_back({cpe.transfer->order.command_key, code, why});
    cpe.last_key = cpe.transfer->order.command_key;
    if (cpe.is_agent()) cpe.state = "Failed";
    cpe.transfer.reset();
}

void Bench::turn(Verb verb, const std::string& rollout) {
    Changes out;
    const auto done = (planner_.get()->*verb)(rollout, now, out);
    ASSERT_TRUE(done.has_value()) << done.error().message;
    keep(out);
    tick();
}

bool Bench::run_to_end(const std::string& rollout, int rounds) {
    for (int i = 0; i < rounds; ++i) {
        for (auto* cpe : all()) {
            session(*cpe);
            if (cpe->transfer) {
                finish(*cpe);
                session(*cpe);
            }
        }
        const auto view = planner_->rollout(rollout);
        if (view && view->row.state == RolloutState::finished) return true;
        pass(std::chrono::minutes(10));
    }
    return false;
}

const RolloutDeviceRow& Bench::seat(const std::string& rollout, const Cpe& cpe) {
    static RolloutDeviceRow out;
    out = {};
    for (const auto& row : planner_->rollout_devices(rollout, "", 1'000'000))
        if (row.identity == cpe.identity()) return out = row;
    ADD_FAILURE() << cpe.identity() << " has no part in rollout " << rollout;
    return out;
}

std::string Bench::states(const std::string& rollout) {
    std::map<int, std::string> by_number;
    for (const auto& row : planner_->rollout_devices(rollout, "", 1'000'000))
        by_number[std::stoi(row.identity.substr(row.identity.rfind('-') + 1))] = row.state;
    std::string out;
    for (const auto& [n, state] : by_number)
        out += (out.empty() ? "" : ", ") + std::to_string(n) + " " + state;
    return out;
}

planning::Assignment Bench::assignment(const std::string& rollout, const Cpe& cpe) {
    const auto json = planner_->assignment(token(rollout, cpe), now);
    EXPECT_TRUE(json.has_value()) << json.error().message;
    if (!json.has_value()) return {};
    auto parsed = planning::parse_assignment(json.value());
    EXPECT_TRUE(parsed.has_value()) << parsed.error().message;
    return parsed.has_value() ? parsed.value() : planning::Assignment{};
}

}  // namespace sluice::service::bench
