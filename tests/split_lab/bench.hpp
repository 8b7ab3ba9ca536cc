#pragma once
// A router under test in a network namespace of its own, its three sides cables whose other ends
// we hold: whatever we put on one, the kernel's splitter takes, and we see on which it comes out.
// Both namespaces are nameless: they are gone with this process, however it ends.

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "acs-plugin/split/kernel_table.hpp"
#include "engine/split/settings.hpp"
#include "tests/split_lab/wire.hpp"

namespace sluice::split::lab {

enum class Side : std::uint8_t { cpe, itms, collector };

struct Arrival {
    Side side;
    Segment segment;
};

// CPEs live in 10.64.0.0/10 and fd64::/16, behind 10.1.0.2 and fd01::2.
IpAddress cpe_address(std::uint32_t index, bool is_v4);
IpAddress address(const char* text);
// One ITMS and two collectors, of IPv4 and IPv6, at the lab's addresses.
Settings lab_settings();

class Bench {
public:
    // Why this machine lets us not; empty: it does. Moves this process into the router's namespace.
    static std::unique_ptr<Bench> open(std::string& why_not);
    ~Bench();
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    // Puts the rules of these settings in place, all tables empty.
    Result<void> install(const Settings& settings);
    Nft& nft() { return *nft_; }

    void send(Side from, const Segment& segment);
    // What came out and was not taken yet. Waits until `wanted` are there, or for `patience`.
    std::vector<Arrival> take(std::size_t wanted, Duration patience);

private:
    Bench() = default;
    void receive(Side side, std::vector<Arrival>& out);
    std::array<int, 3> sockets_{-1, -1, -1};
    std::unique_ptr<Nft> nft_;
};

}  // namespace sluice::split::lab
