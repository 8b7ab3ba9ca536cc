#include "engine/net/address_share.hpp"

#include <algorithm>
#include <boost/asio/ip/address_v6.hpp>

namespace sluice::net {

std::string counted_as(const std::string& address) {
    if (address.find(':') == address.npos) return address;
    boost::system::error_code ec;
    const auto ip = boost::asio::ip::make_address_v6(address, ec);
    if (ec || ip.is_v4_mapped()) return address;
    auto bytes = ip.to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return boost::asio::ip::address_v6(bytes, ip.scope_id()).to_string();
}

}  // namespace sluice::net
