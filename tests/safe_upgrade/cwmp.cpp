// CWMP's order of events: the device comes, tells what it has to tell, and takes orders away with
// it; what became of them it tells in a later session, before its reboot or after it. What it
// remembers is sluice-agent's own state: orders, and events kept until they were acknowledged.

#include <algorithm>

#include "agent/management/device_state.hpp"
#include "tests/safe_upgrade/southbound.hpp"

namespace sluice::upgrade {
namespace {

using agent::management::DeviceState;
using agent::management::Order;
using Kind = agent::management::OrderKind;
using agent::management::OrderPhase;
using cwmp::TransferKind;

constexpr char kFolder[] = "/state", kFile[] = "state.json";
const cwmp::FaultStruct kWell{}, kBroken{9010, "it did not work"};

// Uploads are told from downloads by where they go.
constexpr char kUpload[] = "upload", kSettings[] = "settings";
constexpr char kImage[] = "image", kOtherImage[] = "another image";

std::string key_of(std::uint32_t number) {
    return "u-" + std::to_string(number);
}

std::optional<Image> image_at(const std::string& url) {
    if (url == kImage) return Image::wanted;
    return url == kOtherImage ? std::optional(Image::other) : std::nullopt;
}

// --- the device ---------------------------------------------------------------------------------

class Device {
public:
    explicit Device(const Parts& parts) : is_(parts) {}

    bool start() {
        auto& disk = is_.box.disk;
        if (!agent::disk::make_durable_directory(disk, kFolder) || !disk.sync_directory(kFolder))
            return false;
        const auto text = agent::disk::read_small_file(disk, std::string(kFolder) + "/" + kFile,
                                                       agent::management::kMaxStateBytes);
        if (!text && !text.error().is_missing()) return false;
        state_ = {};
        if (text) {
            auto read = agent::management::parse_state(as_text(text.value()));
            if (!read) return false;
            state_ = std::move(read.value());
        }
        state_.events.booted("http://acs/");
        settle();
        return save();
    }

    cwmp::CpeEvents& events() { return state_.events; }

    // Durable before it is answered.
    bool take(TransferKind kind, const std::string& key, const std::string& url) {
        // Known, or refused: its queue is full.
        if (state_.events.take_order(kind, key) != cwmp::OrderTaking::taken) return true;
        Order order;
        order.number = state_.next_order++;
        order.command_key = key;
        order.kind = kind == TransferKind::upload ? Kind::upload : Kind::upgrade;
        order.url = url;
        state_.orders.push_back(order);
        return save();
    }
    bool save() {
        return agent::disk::write_small_file(is_.box.disk, kFolder, kFile,
                                             as_bytes(agent::management::to_json(state_)))
            .has_value();
    }

    // CancelTransfer of orders to install but the one that stands: those that have not begun.
    bool take_back_all_but(const std::string& key) {
        const auto before = state_.orders.size();
        for (auto at = state_.orders.begin(); at != state_.orders.end();) {
            const bool is_meant =
                image_at(at->url) && at->command_key != key && at->phase == OrderPhase::waiting;
            if (is_meant) state_.events.withdraw(TransferKind::download, at->command_key);
            at = is_meant ? state_.orders.erase(at) : at + 1;
        }
        return state_.orders.size() == before || save();
    }

    // What is under way, after the session.
    void work() {
        if (state_.orders.empty() || is_.box.is_down()) return;
        const auto order = state_.orders.front();
        if (order.phase == OrderPhase::rebooting) return (void)is_.box.reboot();
        if (image_at(order.url) && is_.rng.uniform() < is_.world.idle_device) return;
        const bool fails = is_.rng.uniform() < is_.world.failing_step;
        if (const auto image = image_at(order.url)) return install(*image, fails);
        finish(order, fails ? Error{"broken"} : order.url == kUpload ? send() : fetch(order.url));
    }

private:
    // An order that a stop left under way: the boot record says what became of it.
    void settle() {
        if (state_.orders.empty()) return;
        auto& order = state_.orders.front();
        if (order.phase == OrderPhase::waiting) return;
        if (is_.box.runs(*image_at(order.url))) return finish_in_memory(order, kWell);
        if (order.phase == OrderPhase::rebooting) return finish_in_memory(order, kBroken);
        order.phase = OrderPhase::waiting;  // not flipped: from the start
    }
    void finish_transfer(const Order& order, const cwmp::FaultStruct& fault) {
        state_.events.finish(transfer_of(order), order.command_key, fault, {}, {});
    }
    void finish_in_memory(const Order& order, const cwmp::FaultStruct& fault) {
        finish_transfer(order, fault);
        state_.orders.erase(state_.orders.begin());
    }
    void finish(const Order& order, const Result<void>& done) {
        if (is_.box.is_down()) return;
        finish_in_memory(order, done ? kWell : kBroken);
        (void)save();
    }

    void install(Image image, bool fails) {
        auto& order = state_.orders.front();
        if (fails) return finish(order, Error{"broken"});
        if (is_.box.runs(image)) return finish(order, success());
        order.phase = OrderPhase::installing;
        if (!save()) return;
        const auto done = is_.box.install(image);
        if (is_.box.is_down()) return;
        if (!done) return finish(order, done);
        order.phase = OrderPhase::rebooting;
        if (is_.world.reports_first) finish_transfer(order, kWell);
        if (!save() || is_.world.reports_first) return;
        (void)is_.box.reboot();
    }
    Result<void> send() {
        SLUICE_TRY(auto bytes, is_.box.read());
        return take_backup(is_, std::move(bytes));
    }
    Result<void> fetch(const std::string& url) {
        const auto step = url == kSettings ? Step::restore : Step::put_back;
        SLUICE_TRY(const auto bytes, to_be_restored(is_, step));
        return is_.box.apply(bytes);
    }

    Parts is_;
    DeviceState state_;
};

// --- both ends ----------------------------------------------------------------------------------

class Cwmp final : public Southbound {
public:
    explicit Cwmp(const Parts& parts) : is_(parts), device_(parts) {}

    bool device_started() override { return device_.start() && !is_.box.is_down(); }
    void server_started() override { given_ = 0; }

    void turn(Instant now) override {
        if (is_.keeper.open() && is_at_server(is_.keeper.open()->step))
            tell(do_at_server(is_, *is_.keeper.open()), now);
        if (is_.is_down()) return;
        const auto report = device_.events().begin_session();
        const bool is_good = session(report, now);
        if (is_.box.is_down()) return;
        device_.events().session_over(is_good);
        if (!is_.keeper.disk.is_off()) device_.work();
    }

private:
    void tell(const Event& event, Instant now) {
        if (!is_.keeper.disk.is_off()) (void)is_.keeper.handle(event, now);
    }

    bool session(const cwmp::CpeEvents::Report& report, Instant now) {
        if (is_.is_lost()) return false;
        const bool is_boot = std::ranges::any_of(
            report.events, [](const auto& e) { return e.event_code == "1 BOOT"; });
        const auto open = is_.keeper.open();
        is_.box.heard();
        if (is_.is_down()) return false;
        device_.events().inform_delivered();
        if (!device_.save()) return false;
        for (const auto& transfer : report.transfers)
            if (!take_transfer(transfer, now)) return false;
        // What the Inform and the parameters of this session show, of a step that began before it.
        if (open && is_.keeper.open() && open->number == is_.keeper.open()->number)
            look(*open, is_boot, now);
        return !is_.is_down() && give_order(now);
    }

    // Durable at the server before it is answered, and at the device once it was.
    bool take_transfer(const cwmp::TransferComplete& transfer, Instant now) {
        if (is_.is_lost()) return false;
        const auto open = is_.keeper.open();
        if (open && transfer.command_key == key_of(open->number))
            tell(Ended{open->number, transfer.fault.code == 0 ? Outcome::done : Outcome::failed},
                 now);
        if (is_.is_down() || is_.is_lost()) return false;
        device_.events().transfer_delivered(transfer.command_key);
        return device_.save();
    }

    // An order that could not be taken back was carried out.
    bool is_astray(Step step) const {
        if (step == Step::put_back || step == Step::verify_put_back) return is_.box.runs_new();
        return step == Step::transfer && is_.box.runs_new() && !is_.box.runs(is_.keeper.image());
    }
    void look(const Do& what, bool is_boot, Instant now) {
        if (is_astray(what.step)) return tell(Ended{what.number, Outcome::astray}, now);
        if (!is_look(what.step)) return;
        if (what.step == Step::verify && !is_.box.runs_new() && !is_boot)
            return;  // before its reboot
        tell(judge_look(is_, what), now);
    }

    bool give_order(Instant now) {
        if (!is_.keeper.open() || is_.keeper.open()->number == given_) return true;
        const auto what = *is_.keeper.open();
        if (!device_.take_back_all_but(key_of(what.number))) return false;
        if (is_look(what.step) || is_at_server(what.step)) return true;
        if (is_.is_lost()) return false;
        if (what.step == Step::roll_back) return roll_back(what, now);
        const bool is_upload = what.step == Step::back_up;
        const char* url = is_upload                     ? kUpload
                          : what.step == Step::transfer ? image_url()
                          : what.step == Step::restore  ? kSettings
                                                        : "put back";
        if (!device_.take(is_upload ? TransferKind::upload : TransferKind::download,
                          key_of(what.number), url))
            return false;
        if (is_.is_lost()) return false;  // the answer
        given_ = what.number;
        return true;
    }

    const char* image_url() const {
        return is_.keeper.image() == Image::other ? kOtherImage : kImage;
    }

    // BootFirmwareImage, then Reboot.
    bool roll_back(const Do& what, Instant now) {
        const bool was_new = is_.box.runs_new();
        const auto done = is_.box.go_to_kept();
        if (is_.box.is_down()) return false;
        device_.events().reboot_ordered(key_of(what.number));
        if (!device_.save()) return false;
        if (!is_.is_lost()) tell(Ended{what.number, done ? Outcome::done : Outcome::failed}, now);
        if (done && was_new) (void)is_.box.reboot();
        return false;
    }

    Parts is_;
    Device device_;
    std::uint32_t given_ = 0;  // the order that the device has, as this server remembers
};

}  // namespace

std::unique_ptr<Southbound> over_cwmp(const Parts& parts) {
    return std::make_unique<Cwmp>(parts);
}

}  // namespace sluice::upgrade
