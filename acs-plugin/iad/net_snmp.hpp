#pragma once
// Net-SNMP's headers in the one order that they take. They define macros by the dozen: only .cpp
// files that talk to it include this, and first.

// clang-format off
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <net-snmp/library/large_fd_set.h>
// clang-format on

namespace sluice::iad {}  // namespace sluice::iad
