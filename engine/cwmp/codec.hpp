#pragma once
// Envelopes to bytes and back: strict in what it writes, tolerant in what it reads (the list "Real
// CPEs" of the project's CWMP notes), bounded in size, depth and count. Names are matched by local
// name; the CWMP namespace is the one declared for the RPC, or for the header, or anywhere above
// it.

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"
#include "engine/cwmp/messages.hpp"
#include "engine/cwmp/xml.hpp"

namespace sluice::cwmp {

// Limits of the schema that the decoder holds, and ours where it has none.
inline constexpr std::size_t kMaxEvents = 64;
inline constexpr std::size_t kMaxParameters = 16'384;
inline constexpr std::size_t kMaxNameLength = 256;
inline constexpr std::size_t kMaxValueLength = 64 * 1024;

// Why a body is no message, and what to answer: 8003 or 9003 for what is no sense, 8005 never.
struct DecodeError {
    std::string message;
    FaultCode cpe_fault = FaultCode::invalid_arguments;
    FaultCode acs_fault = FaultCode::acs_invalid_arguments;
};

Result<Envelope, DecodeError> decode(std::string_view bytes, const XmlLimits& limits = {});

// A body with several envelopes one after another (MaxEnvelopes, R1.1): at most kMaxEnvelopes. None
// for an empty body or one of white space.
inline constexpr std::size_t kMaxEnvelopes = 8;
Result<std::vector<Envelope>, DecodeError> decode_all(std::string_view bytes,
                                                      const XmlLimits& limits = {});

// One envelope, text/xml in UTF-8.
std::string encode(const Envelope& envelope);
// Several, as decode_all reads them.
std::string encode_all(const std::vector<Envelope>& envelopes);

// "Download", "InformResponse", …; the name of the unknown one.
std::string method_name(const Message& message);
std::string_view namespace_uri(Namespace ns);

}  // namespace sluice::cwmp
