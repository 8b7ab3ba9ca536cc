// Bodies from any CPE, in any order, through the decoder into the ACS's end of a session: what it
// owes is in session_oracles.hpp. Records end with a form feed, which no XML holds; the first byte
// says what a record is.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/cwmp/session_oracles.hpp"

namespace {

using namespace sluice::cwmp;

constexpr XmlLimits kLimits{.bytes = 16 * 1024, .depth = 32, .elements = 1000, .attributes = 24};

AcsOracle::Mood mood_of(std::string_view bits) {
    const auto b = bits.empty() ? 0u : static_cast<unsigned char>(bits[0]);
    AcsOracle::Mood out{(b & 1) == 0, (b & 2) == 0, (b & 4) == 0, {}};
    if ((b & 8) == 0) out.order = GetParameterValues{{"Device."}};
    if ((b & 16) == 0) out.order = Download{};
    return out;
}

AcsEvent posted(std::string_view body) {
    if (body.find_first_not_of(" \r\n\t") == body.npos) return PostedEmpty{};
    const auto read = decode(body, kLimits);
    if (!read) return PostedNonsense{read.error()};
    return Posted{read.value()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest{reinterpret_cast<const char*>(data), size};
    AcsOracle acs({});
    AcsOracle::Mood mood;
    sluice::Instant now{};
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\f'), rest.size());
        const auto record = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (record.empty()) continue;
        switch (record[0]) {
            case 'm':  // what the shell says from here on
                mood = mood_of(record.substr(1));
                break;
            case 'l':
                acs.happen(ConnectionLost{}, now);
                break;
            case 'd':
                acs.let_time_pass(now);
                break;
            case 's':  // words that come late
                acs.happen(TransferRecorded{}, now);
                acs.happen(OrderGiven{}, now);
                break;
            default:
                acs.post(posted(record.substr(1)), mood, now);
        }
    }
    acs.let_time_pass(now);
    if (!acs.violation().empty()) {
        std::fprintf(stderr, "%s\n", acs.violation().c_str());
        std::abort();
    }
    return 0;
}
