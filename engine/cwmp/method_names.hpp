#pragma once
// The RPCs' names, in the order of Message's alternatives: what the decoder finds a message by, and
// what the encoder writes.

#include <iterator>
#include <string_view>

#include "engine/cwmp/messages.hpp"

namespace sluice::cwmp {

inline constexpr std::string_view kMethodNames[] = {"Inform",
                                                    "InformResponse",
                                                    "TransferComplete",
                                                    "TransferCompleteResponse",
                                                    "AutonomousTransferComplete",
                                                    "AutonomousTransferCompleteResponse",
                                                    "RequestDownload",
                                                    "RequestDownloadResponse",
                                                    "GetParameterValues",
                                                    "GetParameterValuesResponse",
                                                    "GetParameterNames",
                                                    "GetParameterNamesResponse",
                                                    "SetParameterValues",
                                                    "SetParameterValuesResponse",
                                                    "Download",
                                                    "DownloadResponse",
                                                    "Upload",
                                                    "UploadResponse",
                                                    "ScheduleDownload",
                                                    "ScheduleDownloadResponse",
                                                    "CancelTransfer",
                                                    "CancelTransferResponse",
                                                    "Reboot",
                                                    "RebootResponse",
                                                    "FactoryReset",
                                                    "FactoryResetResponse",
                                                    "GetRPCMethods",
                                                    "GetRPCMethodsResponse",
                                                    "Fault"};
// The last alternative, Unknown, has a name of its own.
static_assert(std::size(kMethodNames) + 1 == std::variant_size_v<Message>);

}  // namespace sluice::cwmp
