// CpeEvents as bytes. Version 1, big-endian, texts with a length of 16 bits before them:
//
//   "SLEV" 01 | u64 URL hash of the ACS that took BOOTSTRAP | u8 period passed
//   | u8 n, n texts: keys of reboots that were ordered | u8 n, n texts: of those to be reported
//   | u8 n, n times: u8 kind, u8 finished, text key, u32 fault, texts: fault, start, complete
#include <optional>

#include "engine/cwmp/cpe_events.hpp"

namespace sluice::cwmp {
namespace {

constexpr std::string_view kMagic{"SLEV\x01", 5};
constexpr std::size_t kMaxText = 256;

class Writer {
public:
    void number(std::uint64_t value, int width) {
        for (int shift = 8 * (width - 1); shift >= 0; shift -= 8)
            bytes.push_back(static_cast<std::uint8_t>(value >> shift));
    }
    void text(std::string_view text) {
        number(text.size(), 2);
        bytes.insert(bytes.end(), text.begin(), text.end());
    }
    void texts(const std::vector<std::string>& all) {
        number(all.size(), 1);
        for (const auto& one : all) text(one);
    }
    Bytes bytes;
};

// The first thing wrong makes all that follows read as empty.
class Reader {
public:
    explicit Reader(ByteView bytes) : rest_(bytes) {}

    std::uint64_t number(std::size_t width, std::uint64_t most) {
        std::uint64_t out = 0;
        for (const auto b : take(width)) out = out << 8 | b;
        if (out <= most) return out;
        is_good_ = false;
        return 0;
    }
    std::string text() { return std::string(as_text(take(number(2, kMaxText)))); }
    std::vector<std::string> texts(std::size_t most) {
        std::vector<std::string> out;
        for (auto n = number(1, most); n > 0; --n) out.push_back(text());
        return out;
    }
    bool is_good() const { return is_good_; }
    bool is_at_end() const { return rest_.empty(); }

private:
    ByteView take(std::size_t count) {
        if (!is_good_ || count > rest_.size()) {
            is_good_ = false;
            return {};
        }
        const auto out = rest_.first(count);
        rest_ = rest_.subspan(count);
        return out;
    }

    ByteView rest_;
    bool is_good_ = true;
};

PendingTransfer read_transfer(Reader& from) {
    PendingTransfer out;
    out.kind = static_cast<TransferKind>(from.number(1, 2));
    out.is_finished = from.number(1, 1) != 0;
    out.result.command_key = from.text();
    out.result.fault.code = static_cast<std::uint32_t>(from.number(4, UINT32_MAX));
    out.result.fault.text = from.text();
    out.result.start_time = from.text();
    out.result.complete_time = from.text();
    return out;
}

}  // namespace

Bytes CpeEvents::to_bytes() const {
    Writer to;
    to.bytes.assign(kMagic.begin(), kMagic.end());
    to.number(bootstrapped_, 8);
    to.number(pending_.is_period_over || in_flight_.is_period_over ? 1 : 0, 1);
    to.texts(ordered_reboots_);
    to.texts(reboots_);
    to.number(transfers_.size(), 1);
    for (const auto& t : transfers_) {
        to.number(static_cast<std::uint64_t>(t.kind), 1);
        to.number(t.is_finished ? 1 : 0, 1);
        to.text(t.result.command_key);
        to.number(t.result.fault.code, 4);
        to.text(t.result.fault.text);
        to.text(t.result.start_time);
        to.text(t.result.complete_time);
    }
    return std::move(to.bytes);
}

Result<CpeEvents> CpeEvents::from_bytes(ByteView bytes) {
    if (!as_text(bytes).starts_with(kMagic))
        return Error{"pending events: not a file of version 1"};
    Reader from(bytes.subspan(kMagic.size()));
    CpeEvents out;
    out.bootstrapped_ = from.number(8, UINT64_MAX);
    out.pending_.is_period_over = from.number(1, 1) != 0;
    out.ordered_reboots_ = from.texts(kMaxReboots);
    out.reboots_ = from.texts(kMaxReboots - out.ordered_reboots_.size());
    for (auto n = from.number(1, kMaxTransfers); n > 0; --n)
        out.transfers_.push_back(read_transfer(from));
    if (!from.is_good()) return Error{"pending events: cut short, or beyond their bounds"};
    if (!from.is_at_end()) return Error{"pending events: bytes after their end"};
    return out;
}

}  // namespace sluice::cwmp
