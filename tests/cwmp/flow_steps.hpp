#pragma once
// The two message flows of R1 as data, step by step as they are documented, and the words for what
// a session's messages are. Read by the session machines' test and by the one that captures the
// wire.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cwmp/codec.hpp"
#include "engine/cwmp/messages.hpp"

namespace sluice::cwmp::flows {

enum class From { cpe, acs, file_server };
enum class Layer {
    session,  // SOAP, and the empty bodies between
    http,     // challenges, connection requests, closed connections
    file,     // the download itself
    device,   // what no wire shows
};
struct Step {
    From from;
    Layer layer;
    std::string_view what;
};

// Configuration file, cwmp-1-0, MaxEnvelopes 2.
inline constexpr Step kR1_1[] = {
    {From::cpe, Layer::http, "Inform NoMoreRequests=1"},
    {From::acs, Layer::http, "401"},
    {From::cpe, Layer::session, "Inform NoMoreRequests=1"},
    {From::acs, Layer::session,
     "InformResponse + Download(CommandKey, 3 Vendor Configuration File, URL)"},
    {From::cpe, Layer::session, "DownloadResponse Status=1"},
    {From::acs, Layer::session, "200 empty"},
    {From::cpe, Layer::http, "close"},
    {From::cpe, Layer::file, "GET"},
    {From::file_server, Layer::file, "401"},
    {From::cpe, Layer::file, "GET with credentials"},
    {From::file_server, Layer::file, "200 and the file"},
    {From::cpe, Layer::device, "validation and upgrade"},
    {From::cpe, Layer::http, "Inform(4 VALUE CHANGE, 7 TRANSFER COMPLETE, M Download)"},
    {From::acs, Layer::http, "401"},
    {From::cpe, Layer::session, "Inform(4 VALUE CHANGE, 7 TRANSFER COMPLETE, M Download)"},
    {From::acs, Layer::session, "InformResponse"},
    {From::cpe, Layer::session, "TransferComplete(CommandKey) NoMoreRequests=1"},
    {From::acs, Layer::session, "TransferCompleteResponse"},
    {From::cpe, Layer::session, "empty POST"},
    {From::acs, Layer::session, "200 empty"},
    {From::cpe, Layer::http, "close"},
};

// Firmware, connection request, MaxEnvelopes 1.
inline constexpr Step kR1_2[] = {
    {From::acs, Layer::http, "GET ConnectionRequestURL"},
    {From::cpe, Layer::http, "401"},
    {From::acs, Layer::http, "GET ConnectionRequestURL with credentials"},
    {From::cpe, Layer::http, "200"},
    {From::cpe, Layer::session, "Inform(6 CONNECTION REQUEST)"},
    {From::acs, Layer::session, "InformResponse HoldRequests=1"},
    {From::cpe, Layer::session, "empty POST"},
    {From::acs, Layer::session,
     "Download(CommandKey, 1 Firmware Upgrade Image, URL) HoldRequests=1"},
    {From::cpe, Layer::session, "DownloadResponse Status=1"},
    {From::acs, Layer::session, "200 empty"},
    {From::cpe, Layer::http, "close"},
    {From::cpe, Layer::device, "upgrade"},
    {From::cpe, Layer::session, "Inform(1 BOOT, 4 VALUE CHANGE, 7 TRANSFER COMPLETE, M Download)"},
    {From::acs, Layer::session, "InformResponse"},
    {From::cpe, Layer::session, "TransferComplete(CommandKey)"},
    {From::acs, Layer::session, "TransferCompleteResponse"},
    {From::cpe, Layer::session, "empty POST"},
    {From::acs, Layer::session, "200 empty"},
    {From::cpe, Layer::http, "close"},
};

inline std::string joined(const std::vector<std::string>& parts, std::string_view between) {
    std::string out;
    for (const auto& part : parts) out += (out.empty() ? "" : std::string(between)) + part;
    return out;
}

// One envelope in the words of the lists above.
inline std::string describe(const Envelope& envelope) {
    if (!envelope.message) return "empty Body";
    auto out = method_name(*envelope.message);
    std::vector<std::string> inside;
    if (const auto* inform = std::get_if<Inform>(&*envelope.message)) {
        for (const auto& e : inform->events) inside.push_back(e.event_code);
        std::ranges::sort(inside);
    } else if (const auto* download = std::get_if<Download>(&*envelope.message)) {
        if (!download->command_key.empty()) inside.emplace_back("CommandKey");
        inside.push_back(download->file_type);
        if (!download->url.empty()) inside.emplace_back("URL");
    } else if (const auto* transfer = std::get_if<TransferComplete>(&*envelope.message)) {
        if (!transfer->command_key.empty()) inside.emplace_back("CommandKey");
    }
    if (!inside.empty()) out += "(" + joined(inside, ", ") + ")";
    if (const auto* response = std::get_if<DownloadResponse>(&*envelope.message))
        out += " Status=" + std::to_string(response->status);
    if (const auto* fault = std::get_if<Fault>(&*envelope.message))
        out += " " + std::to_string(fault->code);
    if (envelope.header.hold_requests) out += " HoldRequests=1";
    if (envelope.header.no_more_requests) out += " NoMoreRequests=1";
    return out;
}

inline std::string describe(const std::vector<Envelope>& envelopes) {
    std::vector<std::string> parts;
    for (const auto& envelope : envelopes) parts.push_back(describe(envelope));
    return joined(parts, " + ");
}

// As a line to compare and to print: "CPE  Inform(…)".
inline std::string line(From from, std::string_view what) {
    constexpr std::string_view kNames[] = {"CPE   ", "ACS   ", "files "};
    return std::string(kNames[static_cast<std::size_t>(from)]) + std::string(what);
}

// The documented steps of these layers.
template <std::size_t N>
std::vector<std::string> documented(const Step (&steps)[N], const std::vector<Layer>& layers) {
    std::vector<std::string> out;
    for (const auto& step : steps)
        if (std::ranges::find(layers, step.layer) != layers.end())
            out.push_back(line(step.from, step.what));
    return out;
}

// Where no list says which events an Inform has, any will do: taken out of what was seen.
inline std::vector<std::string> comparable(std::vector<std::string> seen,
                                           const std::vector<std::string>& documented) {
    for (std::size_t i = 0; i < std::min(seen.size(), documented.size()); ++i) {
        const auto begin = seen[i].find("Inform(");
        if (begin == std::string::npos || documented[i].find("Inform(") != std::string::npos)
            continue;
        const auto open = begin + std::string_view("Inform").size();
        seen[i].erase(open, seen[i].find(')', open) - open + 1);
    }
    return seen;
}

}  // namespace sluice::cwmp::flows
