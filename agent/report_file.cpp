#include "agent/report_file.hpp"

#include <cerrno>
#include <cstring>

#include "agent/clock.hpp"
#include "engine/net/log.hpp"

namespace sluice::agent {

ReportField::ReportField(std::string_view its_key, std::uint64_t number)
    : key(its_key), json(std::to_string(number)) {}

ReportField::ReportField(std::string_view its_key, std::string_view text)
    : key(its_key), json("\"" + net::escape_json(text) + "\"") {}

ReportField::ReportField(std::string_view its_key, const std::vector<std::uint64_t>& numbers)
    : key(its_key), json("[") {
    for (const auto number : numbers) {
        if (json.size() > 1) json += ',';
        json += std::to_string(number);
    }
    json += ']';
}

Result<ReportFile> ReportFile::open(const std::string& path) {
    ReportFile report;
    report.file_ = {std::fopen(path.c_str(), "ae"), &std::fclose};
    if (!report.file_) return Error{"report file " + path + ": " + std::strerror(errno)};
    return report;
}

void ReportFile::write(std::string_view event, std::initializer_list<ReportField> fields) {
    if (!file_) return;
    const auto now = monotonic_now().since_start;
    char time[32];
    std::snprintf(time, sizeof time, "%.6f", std::chrono::duration<double>(now).count());
    std::string line = "{\"t\":" + std::string(time) + ",\"event\":\"" + std::string(event) + '"';
    for (const auto& field : fields) line += ",\"" + std::string(field.key) + "\":" + field.json;
    line += "}\n";
    // One write for one line: a kill never leaves half of one behind.
    std::fwrite(line.data(), 1, line.size(), file_.get());
    std::fflush(file_.get());
}

}  // namespace sluice::agent
