#pragma once
// The report of one fetch: JSON lines for labs, tests and scripts, each written at once. `t` is
// CLOCK_MONOTONIC in seconds, the same for all processes of a host.
//
//   {"t":…,"event":"piece","piece":17,"source":0}
//
// Losing it must never stop a fetch: a line that cannot be written is gone.

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.hpp"

namespace sluice::agent {

struct ReportField {
    ReportField(std::string_view its_key, std::uint64_t number);
    ReportField(std::string_view its_key, std::string_view text);
    ReportField(std::string_view its_key, const std::vector<std::uint64_t>& numbers);

    std::string_view key;
    std::string json;
};

class ReportFile {
public:
    ReportFile() = default;  // writes nowhere
    // Appends: one file tells the story of several starts.
    static Result<ReportFile> open(const std::string& path);

    void write(std::string_view event, std::initializer_list<ReportField> fields = {});

private:
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{nullptr, nullptr};
};

}  // namespace sluice::agent
