#pragma once
// The programs' log: one line an event on stderr, as text for people or JSON for machines. The
// engine never logs; shells do, through these few words. Callable from any thread after open_log.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::net {

enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class LogFormat : std::uint8_t { text, json };

std::optional<LogLevel> parse_log_level(std::string_view text);
std::optional<LogFormat> parse_log_format(std::string_view text);

// Once, before the first line; until then nothing below `warning` is written.
void open_log(std::string_view program, LogFormat format, LogLevel least);

struct LogField {
    std::string_view key;
    std::string value;
};
// `what` says what happened; fields carry the values ("source=1 why=silent", or JSON members).
void log(LogLevel level, std::string_view what, std::initializer_list<LogField> fields = {});

inline void log_info(std::string_view what, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::info, what, fields);
}
inline void log_warning(std::string_view what, std::initializer_list<LogField> fields = {}) {
    log(LogLevel::warning, what, fields);
}

// `text` as the inside of a JSON string.
std::string escape_json(std::string_view text);

}  // namespace sluice::net
