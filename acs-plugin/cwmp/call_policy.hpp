#pragma once
// Which ConnectionRequestURL the ACS will call. A device could name any address it likes and have
// the ACS ask there; so: http or https, an IP literal, and either the very address that the device
// reports from, or one inside the operator's prefixes. Names never: whoever answers for a name
// could change.

#include <string>
#include <string_view>
#include <vector>

#include "engine/inventory/address.hpp"

namespace sluice::cwmp::acs {

bool is_callable(std::string_view url, const std::string& source_address,
                 const std::vector<inventory::Prefix>& prefixes);

}  // namespace sluice::cwmp::acs
