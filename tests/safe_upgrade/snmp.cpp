// SNMP's order of events (SLUICE-IAD-MIB): the manager sets an order by its number, and asks for
// its outcome until that is the order's own. The device's memory of orders is sluice-iad's.

#include "acs-plugin/iad/device/order_memory.hpp"
#include "tests/safe_upgrade/southbound.hpp"

namespace sluice::upgrade {
namespace {

using iad::Command;
using iad::State;

constexpr char kFolder[] = "/iad", kFile[] = "last-order";

Command command_for(Step step) {
    switch (step) {
        case Step::back_up:
            return Command::backup;
        case Step::install:
            return Command::upgrade;
        case Step::reset:
            return Command::reset;
        case Step::roll_back:
            return Command::roll_back;
        default:
            return Command::restore;
    }
}

class Snmp final : public Southbound {
public:
    explicit Snmp(const Parts& parts) : is_(parts) {}

    bool device_started() override {
        memory_.reset();
        is_.box.heard();  // the vendor's boot loader commits what is healthy
        auto& disk = is_.box.disk;
        if (!agent::disk::make_durable_directory(disk, kFolder)) return false;
        const auto path = std::string(kFolder) + "/" + kFile;
        const auto kept = agent::disk::read_small_file(disk, path, iad::OrderMemory::kMaxBytes);
        if (!kept && !kept.error().is_missing()) return false;
        auto opened = iad::OrderMemory::open(
            kept ? ByteView(kept.value()) : ByteView(), [&disk](ByteView bytes) -> Result<void> {
                SLUICE_CHECK(agent::disk::write_small_file(disk, kFolder, kFile, bytes));
                return success();
            });
        if (!opened) return false;
        memory_ = std::move(opened.value());
        return !disk.is_off();
    }
    void server_started() override {}

    void turn(Instant now) override {
        if (!is_.keeper.open()) return;
        const auto what = *is_.keeper.open();
        if (is_at_server(what.step)) return tell(do_at_server(is_, what), now);
        if (is_.is_lost()) return;
        if (is_look(what.step)) {
            const auto seen = judge_look(is_, what);
            if (!is_.box.is_down() && !is_.is_lost()) tell(seen, now);
            return;
        }
        // The image goes to the device with the order that installs it.
        if (what.step == Step::transfer) return tell(Ended{what.number, Outcome::done}, now);
        order(what);
        if (is_.is_down() || is_.is_lost() || memory_->outcome().number != what.number) return;
        switch (memory_->outcome().state) {
            case State::done:
                return tell(Ended{what.number, Outcome::done}, now);
            case State::failed:
                return tell(Ended{what.number, Outcome::failed}, now);
            default:
                return;
        }
    }

private:
    void tell(const Event& event, Instant now) {
        if (!is_.keeper.disk.is_off()) (void)is_.keeper.handle(event, now);
    }

    void order(const Do& what) {
        static const iad::FileServer kServer{iad::Protocol::tftp, "192.0.2.1", 0, {}, {}, 1428, {}};
        const iad::Order order{what.number, command_for(what.step), "file", 0, {}, {}, {}};
        if (memory_->take(order, kServer) != iad::Taken::begun || is_.box.is_down()) return;
        auto done = carry_out(what.step);
        if (is_.box.is_down()) return;
        (void)memory_->end({what.number,
                            order.command,
                            done ? State::done : State::failed,
                            100,
                            done ? std::string() : done.error().message,
                            0,
                            {}});
    }

    Result<void> carry_out(Step step) {
        auto& box = is_.box;
        if (is_.rng.uniform() < is_.world.failing_step) return Error{"the program fails"};
        switch (step) {
            case Step::back_up: {
                SLUICE_TRY(auto bytes, box.read());
                return take_backup(is_, std::move(bytes));
            }
            case Step::install:
                return box.install(is_.keeper.image());
            case Step::reset:
                return box.reboot();
            case Step::roll_back:
                SLUICE_CHECK(box.go_to_kept());
                return box.runs_new() ? box.reboot() : success();
            default: {
                SLUICE_TRY(const auto bytes, to_be_restored(is_, step));
                return box.apply(bytes);
            }
        }
    }

    Parts is_;
    std::optional<iad::OrderMemory> memory_;
};

}  // namespace

std::unique_ptr<Southbound> over_snmp(const Parts& parts) {
    return std::make_unique<Snmp>(parts);
}

}  // namespace sluice::upgrade
