#pragma once
// A bar on stderr with the time that is left, on a terminal only; gone when the work is done.

#include <chrono>
#include <string>

namespace sluice::sim::cli {

class Progress {
public:
    explicit Progress(std::string label, bool is_quiet);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    void show(double part);

private:
    std::string label_;
    bool is_shown_;
    bool is_drawn_ = false;
    std::chrono::steady_clock::time_point began_, drawn_;
};

}  // namespace sluice::sim::cli
