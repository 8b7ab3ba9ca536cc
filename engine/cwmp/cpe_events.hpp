#pragma once
// What a CPE has to tell its ACS, and until when it keeps it (TR-069 §3.7.1.5): the events of the
// next Inform, and the transfers that were ordered and not yet acknowledged. cpe_schedule.hpp says
// when the session begins, cpe_session.hpp what was delivered.
//
// | event | kept until |
// |---|---|
// | 0 BOOTSTRAP | an ACS at this URL took an Inform with it; also across reboots |
// | 1 BOOT, 4 VALUE CHANGE | an Inform with it was taken, or the next reboot |
// | 2 PERIODIC | an Inform with it was taken; never twice in one |
// | 6 CONNECTION REQUEST | the session it asked for, whatever comes of that |
// | M Reboot | an Inform with it was taken; also across reboots |
// | 7 TRANSFER COMPLETE and the M … of each transfer | TransferCompleteResponse; also across
// reboots |
//
// The shell makes to_bytes() durable after every call that changes something and before whatever
// follows from it is let out: before DownloadResponse (take_order), before the device reboots
// (reboot_ordered), before the POST after a TransferCompleteResponse (transfer_delivered).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bytes.hpp"
#include "engine/base/result.hpp"
#include "engine/cwmp/messages.hpp"

namespace sluice::cwmp {

enum class TransferKind : std::uint8_t { download, schedule_download, upload };

struct PendingTransfer {
    TransferKind kind = TransferKind::download;
    bool is_finished = false;
    bool is_reported = false;  // by the session that is open; not kept
    // Its fault and times count once it is finished.
    TransferComplete result;
    friend bool operator==(const PendingTransfer&, const PendingTransfer&) = default;
};

enum class OrderTaking : std::uint8_t {
    taken,
    known,  // one with this key is under way, or finished and not yet acknowledged: not done twice
    full,   // 9004
};

class CpeEvents {
public:
    static constexpr std::size_t kMaxTransfers = 8;  // TR-069 A.3.2.8 asks for three at least
    static constexpr std::size_t kMaxReboots = 8;    // M Reboot events; later ones have no event

    // --- what happened --------------------------------------------------------------------------

    // First, each time the device starts: 1 BOOT, and 0 BOOTSTRAP for an ACS that is new.
    void booted(std::string_view acs_url);
    void acs_url_changed(std::string_view acs_url);
    void value_changed() { pending_.is_value_changed = true; }
    void period_passed() { pending_.is_period_over = true; }
    void called() { pending_.is_called = true; }
    void reboot_ordered(std::string_view command_key);

    // An empty key is never known.
    OrderTaking take_order(TransferKind kind, std::string_view command_key);
    // CancelTransfer. False: there is none, or it is finished (9021).
    bool withdraw(TransferKind kind, std::string_view command_key);
    // Of several of a kind with one key the oldest. Empty times: unknown. False: there is none.
    bool finish(TransferKind kind, std::string_view command_key, const FaultStruct& fault,
                std::string_view start_time, std::string_view complete_time);

    // --- a session -------------------------------------------------------------------------------

    struct Report {
        std::vector<EventStruct> events;          // at most 64
        std::vector<TransferComplete> transfers;  // in the order they were ordered
    };
    // What the Inform carries. What happens from here on is for the next one.
    Report begin_session();
    void inform_delivered();
    // Another fault in a result that was not delivered yet; it is known by kind, key and start
    // time.
    void correct(TransferKind kind, const TransferComplete& result);
    // Of those that this session reported, in their order.
    void transfer_delivered(std::string_view command_key);
    // A failed session is begun again even when no event is left to carry: the ACS may have had
    // something to say. Its Inform then says 2 PERIODIC.
    void session_over(bool is_success);

    // Something is to be reported without waiting for the period.
    bool is_report_due() const;
    const std::vector<PendingTransfer>& transfers() const { return transfers_; }

    // --- durable form ----------------------------------------------------------------------------

    Bytes to_bytes() const;
    // Refused: other versions, what is too long, what does not end where it should.
    static Result<CpeEvents> from_bytes(ByteView bytes);

    friend bool operator==(const CpeEvents&, const CpeEvents&) = default;

private:
    struct Flags {
        bool is_booted = false, is_value_changed = false, is_period_over = false, is_called = false;
        std::uint64_t bootstrap_for = 0;  // the ACS's URL, hashed; 0: no BOOTSTRAP
        std::size_t reboots = 0;          // so many of reboots_, from the front
        friend bool operator==(const Flags&, const Flags&) = default;
    };

    bool needs_bootstrap() const { return acs_ != bootstrapped_; }
    std::vector<PendingTransfer>::iterator under_way(TransferKind kind,
                                                     std::string_view command_key);

    Flags pending_, in_flight_;
    std::uint64_t acs_ = 0, bootstrapped_ = 0;
    std::vector<std::string> ordered_reboots_, reboots_;
    std::vector<PendingTransfer> transfers_;
};

}  // namespace sluice::cwmp
