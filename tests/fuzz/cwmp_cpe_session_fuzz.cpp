// Answers from any ACS through the decoder into the CPE's end of a session, and back into the bytes
// of its pending events: what the session owes is in session_oracles.hpp. Records as in the
// target for the other end.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "engine/cwmp/cpe_events.hpp"
#include "tests/cwmp/session_oracles.hpp"

namespace {

using namespace sluice::cwmp;

constexpr XmlLimits kLimits{.bytes = 16 * 1024, .depth = 32, .elements = 1000, .attributes = 24};

Begin begin_with(std::size_t transfers) {
    Begin out;
    out.inform.device = {"Acme", "00D09E", "GW3", "S1"};
    for (std::size_t i = 0; i < transfers; ++i)
        out.transfers.push_back({"k" + std::to_string(i), {}, {}, {}});
    return out;
}

CpeEvent answered(std::string_view body) {
    const auto read = decode_all(body, kLimits);
    if (!read) return AnswerWasNonsense{read.error()};
    return AnswerCame{read.value()};
}

// Whatever a file of pending events holds: refused, or written again as it was.
void read_events(std::string_view bytes) {
    const auto read = CpeEvents::from_bytes(sluice::as_bytes(bytes));
    if (read && sluice::as_text(read.value().to_bytes()) != bytes) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest{reinterpret_cast<const char*>(data), size};
    read_events(rest);
    if (rest.empty()) return 0;
    const auto flags = static_cast<unsigned char>(rest[0]);
    rest.remove_prefix(1);
    CpeSessionPolicy policy;
    policy.says_no_more_requests = (flags & 4) != 0;
    policy.ns = (flags & 8) != 0 ? Namespace::cwmp_1_0 : Namespace::cwmp_1_2;
    CpeOracle cpe(policy);
    sluice::Instant now{};
    cpe.happen(begin_with(flags & 3), now);
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\f'), rest.size());
        const auto record = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (cpe.is_asked()) cpe.happen(Executed{DownloadResponse{}}, now);
        if (record.empty()) continue;
        if (record[0] == 'f') {
            cpe.happen(AnswerFailed{503, {}}, now);
        } else if (record[0] == 't') {
            cpe.let_time_pass(now);
        } else {
            cpe.happen(answered(record.substr(1)), now);
        }
    }
    if (cpe.is_asked()) cpe.happen(Executed{DownloadResponse{}}, now);
    cpe.let_time_pass(now);
    if (!cpe.violation().empty() || !cpe.is_over()) {
        std::fprintf(stderr, "%s\n", cpe.violation().c_str());
        std::abort();
    }
    return 0;
}
