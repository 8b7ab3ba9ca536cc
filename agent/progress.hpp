#pragma once
// How far a fetch is, for a person: a bar with rate and time left on a terminal, a log line each
// tenth of the way anywhere else.

#include <cstdint>
#include <string>

#include "engine/base/time.hpp"

namespace sluice::agent {

// "gw3-4.2.1 [#########-----------]  45 %  15.0 of 33.6 MB  11.9 MB/s  0:02 left"
std::string format_progress(const std::string& name, std::uint64_t done, std::uint64_t total,
                            double bytes_per_second);

class Progress {
public:
    // `done` bytes of `total` were there already.
    Progress(std::string name, std::uint64_t done, std::uint64_t total, bool is_terminal,
             Instant now);

    void add(std::uint64_t bytes, Instant now);
    // Ends the bar's line, however far it is.
    void close();

private:
    double rate(Instant now) const;
    void draw(Instant now);

    std::string name_;
    std::uint64_t done_;
    const std::uint64_t done_at_start_;
    const std::uint64_t total_;
    const bool is_terminal_;
    bool is_open_ = false;  // a bar stands on the terminal's last line
    const Instant started_;
    Instant drawn_;
    std::uint64_t tenths_said_;
};

}  // namespace sluice::agent
