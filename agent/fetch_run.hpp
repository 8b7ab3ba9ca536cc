#pragma once
// One `sluice-agent fetch` from open store to exit code: store, peer server, fetcher and installer
// around one io_context, one worker and the thread that syncs.

#include "agent/fetch_order.hpp"
#include "agent/report_file.hpp"

namespace sluice::agent {

// Until all is done or a signal came; the program's exit code. `has_bar`: stderr is a terminal that
// wants a progress bar.
int run_fetch(const FetchOrder& order, ReportFile report, bool has_bar);

}  // namespace sluice::agent
