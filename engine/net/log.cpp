#include "engine/net/log.hpp"

#include <array>
#include <memory>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace sluice::net {
namespace {

struct Log {
    std::shared_ptr<spdlog::logger> logger;
    LogFormat format = LogFormat::text;
};

Log& the_log() {
    static Log log = [] {
        Log first;
        first.logger = std::make_shared<spdlog::logger>(
            "sluice", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        first.logger->set_level(spdlog::level::warn);
        return first;
    }();
    return log;
}

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            break;
    }
    return spdlog::level::err;
}

// A value stays one word on one line: log lines are split by people and by awk.
std::string text_value(std::string_view value) {
    const bool is_plain = !value.empty() && value.find_first_of(" \"=\n\r\t") == value.npos;
    return is_plain ? std::string(value) : "\"" + escape_json(value) + "\"";
}

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view text) {
    if (text == "debug") return LogLevel::debug;
    if (text == "info") return LogLevel::info;
    if (text == "warning") return LogLevel::warning;
    if (text == "error") return LogLevel::error;
    return std::nullopt;
}

std::optional<LogFormat> parse_log_format(std::string_view text) {
    if (text == "text") return LogFormat::text;
    if (text == "json") return LogFormat::json;
    return std::nullopt;
}

void open_log(std::string_view program, LogFormat format, LogLevel least) {
    auto& log = the_log();
    log.format = format;
    log.logger->set_level(level_of(least));
    const auto name = std::string(program);
    log.logger->set_pattern(
        format == LogFormat::json
            ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",\"level\":\"%l\",\"program\":\"" + name +
                  "\",%v}"
            : "%Y-%m-%dT%H:%M:%S.%eZ %l " + name + ": %v",
        spdlog::pattern_time_type::utc);
}

void log(LogLevel level, std::string_view what, std::initializer_list<LogField> fields) {
    auto& log = the_log();
    if (!log.logger->should_log(level_of(level))) return;
    std::string line;
    if (log.format == LogFormat::json) {
        line = "\"message\":\"" + escape_json(what) + "\"";
        for (const auto& field : fields) {
            line += ",\"" + std::string(field.key) + "\":\"" + escape_json(field.value) + "\"";
        }
    } else {
        line = what;
        for (const auto& field : fields) {
            line += " " + std::string(field.key) + "=" + text_value(field.value);
        }
    }
    log.logger->log(level_of(level), spdlog::string_view_t(line.data(), line.size()));
}

std::string escape_json(std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (byte < 0x20 || byte >= 0x7f) {
            // Names from the network may hold any byte; a log line must stay valid JSON, so what is
            // not ASCII is shown as its Latin-1 code point.
            out += "\\u00";
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace sluice::net
