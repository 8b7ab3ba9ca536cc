#pragma once
// Devices as a table (RFC 4180, UTF-8): out for spreadsheets, and back in for what an operator says
// of them, which is their site.

#include <string>
#include <string_view>
#include <vector>

#include "acs-plugin/service/views.hpp"
#include "engine/base/result.hpp"

namespace sluice::rest {

// An export that is being sent, page by page as the reader takes them.
struct DeviceExport {
    service::DeviceQuery query;  // of the next page
    bool is_over = false;
};

std::string device_csv_head();
std::string to_csv(const service::DeviceView& device);

// A table with a head that names `identity` and `site`, other columns as one likes. With a column
// `site_source` only lines that say "imported" there, or nothing, are taken: so an export can come
// back as it is. An error names the line.
Result<std::vector<service::SiteImportRow>> parse_site_csv(std::string_view text,
                                                           std::size_t at_most);

}  // namespace sluice::rest
