#include "sim/world/trace.hpp"

#include <cstdio>
#include <ostream>

#include "engine/base/overloaded.hpp"
#include "engine/base/rng.hpp"
#include "sim/world/host.hpp"

namespace sluice::sim::world {
namespace {

template <class... Numbers>
std::string line(const char* name, Numbers... numbers) {
    std::string text = name;
    ((text += ' ', text += std::to_string(numbers)), ...);
    return text;
}

template <class Enum>
unsigned number(Enum e) {
    return static_cast<unsigned>(e);
}

}  // namespace

std::string describe(const transfer::Event& event) {
    using namespace transfer;
    return std::visit(
        Overloaded{
            [](const Started&) { return line("started"); },
            [](const DeadlinePassed&) { return line("deadline"); },
            [](const LayerProved& e) { return line("layer_proved", e.id.value); },
            [](const LayerRefused& e) { return line("layer_refused", e.id.value); },
            [](const BytesArrived& e) { return line("bytes", e.id.value, e.bytes); },
            [](const PieceArrived& e) { return line("arrived", e.id.value, e.piece.value); },
            [](const PieceProved& e) { return line("proved", e.id.value, e.piece.value); },
            [](const PieceRefused& e) { return line("refused", e.id.value, e.piece.value); },
            [](const PieceSpoiled& e) { return line("spoiled", e.piece.value); },
            [](const PieceBrought& e) { return line("brought", e.piece.value); },
            [](const RequestFailed& e) {
                return line("failed", e.id.value, number(e.fault), e.retry_after.count());
            },
            [](const HaveAnswered& e) {
                return line("have", number(e.source.value), e.boot_id, e.count);
            },
            [](const HaveFailed& e) {
                return line("have_failed", number(e.source.value), number(e.fault));
            },
            [](const StoreFailed&) { return line("store_failed"); },
            [](const Cancelled&) { return line("cancelled"); },
        },
        event);
}

std::string describe(const transfer::Action& action) {
    using namespace transfer;
    return std::visit(
        Overloaded{
            [](const RequestLayer& a) {
                return line("request_layer", a.id.value, number(a.source.value));
            },
            [](const RequestRun& a) {
                return line("request_run", a.id.value, number(a.source.value), a.run.first.value,
                            a.run.count);
            },
            [](const CancelRequest& a) {
                return line("cancel", a.id.value, number(a.source.value));
            },
            [](const AskHave& a) { return line("ask_have", number(a.source.value), a.after); },
            [](const VerifyPiece& a) { return line("verify", a.id.value, a.piece.value); },
            [](const LeaveSource& a) {
                return line("leave", number(a.source.value), number(a.why));
            },
            [](const BanSource& a) { return line("ban", number(a.source.value), a.piece.value); },
            [](const Finish&) { return line("finish"); },
            [](const GiveUp& a) { return line("give_up", number(a.why)); },
        },
        action);
}

std::string describe(const serving::Event& event) {
    using namespace serving;
    return std::visit(
        Overloaded{
            [](const TransferRequested& e) {
                return line("requested", e.id.value, e.begin, e.end);
            },
            [](const BytesSent& e) { return line("sent", e.id.value, e.bytes); },
            [](const TransferClosed& e) { return line("closed", e.id.value); },
            [](const HaveRequested& e) { return line("have_requested", e.id.value, e.after); },
            [](const PieceVerified& e) { return line("verified", e.piece.value); },
            [](const ImageWithdrawn&) { return line("withdrawn"); },
            [](const CpuSampled& e) { return line("cpu", e.percent); },
            [](const DeadlinePassed&) { return line("deadline"); },
        },
        event);
}

std::string describe(const serving::Action& action) {
    using namespace serving;
    return std::visit(Overloaded{
                          [](const Accept& a) { return line("accept", a.id.value); },
                          [](const Refuse& a) { return line("refuse", a.id.value, number(a.why)); },
                          [](const Send& a) { return line("send", a.id.value, a.offset, a.bytes); },
                          [](const Complete& a) { return line("complete", a.id.value); },
                          [](const Drop& a) { return line("drop", a.id.value, number(a.why)); },
                          [](const AnswerHave& a) { return line("answer_have", a.id.value); },
                      },
                      action);
}

std::string describe(const install::Event& event) {
    using namespace install;
    return std::visit(
        Overloaded{
            [](const Booted&) { return line("booted"); },
            [](const InstallRequested&) { return line("install_requested"); },
            [](const KeptRequested&) { return line("kept_requested"); },
            [](const StayRequested&) { return line("stay_requested"); },
            [](const StateRecorded&) { return line("state_recorded"); },
            [](const SlotWritten&) { return line("slot_written"); },
            [](const SlotSynced&) { return line("slot_synced"); },
            [](const SlotVerified&) { return line("slot_verified"); },
            [](const SlotRefused&) { return line("slot_refused"); },
            [](const StepFailed&) { return line("step_failed"); },
            [](const HealthReported& e) { return line("health", e.is_healthy ? 1 : 0); },
            [](const InformAccepted&) { return line("inform_accepted"); },
            [](const DeadlinePassed&) { return line("deadline"); },
        },
        event);
}

std::string describe(const install::Action& action) {
    using namespace install;
    return std::visit(
        Overloaded{
            [](const RecordState&) { return line("record_state"); },
            [](const WriteSlot& a) { return line("write_slot", number(a.slot)); },
            [](const SyncSlot& a) { return line("sync_slot", number(a.slot)); },
            [](const VerifySlot& a) { return line("verify_slot", number(a.slot)); },
            [](const CheckHealth&) { return line("check_health"); },
            [](const Reboot&) { return line("reboot"); },
            [](const Report& a) { return line("report", number(a.outcome), number(a.slot)); },
        },
        action);
}

void Trace::note(const Host& host, Instant now, const char* what, const std::string& text) {
    hash_ = mix64(hash_ ^ static_cast<std::uint64_t>(now.since_start.count()));
    hash_ = mix64(hash_ ^ host.index().value ^ seed_of(what) ^ seed_of(text));
    if (text_ == nullptr) return;
    char head[64];
    std::snprintf(head, sizeof head, "%12.6f %3u %s ",
                  static_cast<double>(now.since_start.count()) / 1e9, host.index().value, what);
    *text_ << head << text << '\n';
}

void Trace::on_fault(const Fault& fault, Instant) {
    hash_ = mix64(hash_ ^ seed_of(describe(fault)));
    if (text_ != nullptr) *text_ << "---- " << describe(fault) << '\n';
}
void Trace::on_boot(const Host& host, Instant now) {
    note(host, now, "boot", std::to_string(host.have().count()));
}
void Trace::on_down(const Host& host, Instant now) {
    note(host, now, "down", std::to_string(host.have().count()));
}
void Trace::on_lost(const Host& host, PieceIndex piece, Instant now) {
    note(host, now, "lost", std::to_string(piece.value));
}
void Trace::on_event(const Host& host, const transfer::Event& event, Instant now) {
    note(host, now, "fetch <", describe(event));
}
void Trace::on_action(const Host& host, const transfer::Action& action, Instant now) {
    note(host, now, "fetch >", describe(action));
}
void Trace::on_event(const Host& host, const serving::Event& event, Instant now) {
    note(host, now, "serve <", describe(event));
}
void Trace::on_action(const Host& host, const serving::Action& action, Instant now) {
    note(host, now, "serve >", describe(action));
}

void Trace::on_event(const Host& host, const install::Event& event, Instant now) {
    note(host, now, "install <", describe(event));
}
void Trace::on_action(const Host& host, const install::Action& action, Instant now) {
    note(host, now, "install >", describe(action));
}

}  // namespace sluice::sim::world
