#include "acs-plugin/rest/device_csv.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "acs-plugin/rest/views_json.hpp"

namespace sluice::rest {
namespace {

constexpr std::size_t kMaxIdentity = 640;
constexpr std::size_t kMaxSite = 256;
constexpr std::size_t kMaxColumns = 64;

// In the order of the API's Device; what is there more than once a device is left out.
constexpr const char* kColumns[] = {"identity",
                                    "manufacturer",
                                    "oui",
                                    "product_class",
                                    "serial",
                                    "hardware_version",
                                    "software_version",
                                    "config_version",
                                    "kind",
                                    "site",
                                    "site_source",
                                    "group",
                                    "place",
                                    "is_gateway",
                                    "is_enabled",
                                    "cpu_percent",
                                    "cache_bytes",
                                    "uplink_bps",
                                    "downlink_bps",
                                    "file_server",
                                    "first_seen",
                                    "last_seen"};

std::string quoted(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + "\"";
}

// One line of cells at a time, quotes undone.
class CsvReader {
public:
    explicit CsvReader(std::string_view text) : rest_(text) {
        if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
    }
    bool is_over() const { return rest_.empty(); }
    std::size_t line() const { return line_; }

    // Nothing: a quote that does not end, or text behind one that did.
    std::optional<std::vector<std::string>> next() {
        std::vector<std::string> out;
        ++line_;
        while (out.size() < kMaxColumns) {
            auto cell = next_cell();
            if (!cell) return std::nullopt;
            out.push_back(std::move(*cell));
            if (rest_.empty()) return out;
            const char end = rest_.front();
            rest_.remove_prefix(rest_.starts_with("\r\n") ? 2 : 1);
            if (end != ',') return out;
        }
        return std::nullopt;
    }

private:
    std::optional<std::string> next_cell() {
        if (rest_.starts_with('"')) return quoted_cell();
        const auto end = std::min(rest_.find_first_of(",\r\n"), rest_.size());
        std::string out(rest_.substr(0, end));
        rest_.remove_prefix(end);
        return out;
    }
    std::optional<std::string> quoted_cell() {
        std::string out;
        rest_.remove_prefix(1);
        while (!rest_.empty()) {
            const char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '\n') ++line_;
            if (c != '"') {
                out += c;
                continue;
            }
            if (!rest_.starts_with('"')) {
                const bool is_end = rest_.empty() || rest_.find_first_of(",\r\n") == 0;
                return is_end ? std::optional(out) : std::nullopt;
            }
            rest_.remove_prefix(1);
            out += '"';
        }
        return std::nullopt;
    }

    std::string_view rest_;
    std::size_t line_ = 0;
};

// Where in a line something stands; none: nowhere.
std::optional<std::size_t> column_of(const std::vector<std::string>& head, std::string_view name) {
    const auto at = std::ranges::find(head, name);
    if (at == head.end()) return std::nullopt;
    return static_cast<std::size_t>(at - head.begin());
}

Error fault_at(const CsvReader& reader, const std::string& why) {
    return Error{"line " + std::to_string(reader.line()) + ": " + why};
}

}  // namespace

std::string device_csv_head() {
    std::string out;
    for (const auto* column : kColumns) out += (out.empty() ? "" : ",") + std::string(column);
    return out + "\r\n";
}

std::string to_csv(const service::DeviceView& device) {
    const auto json = to_json(device);
    std::string out;
    for (const auto* column : kColumns) {
        if (column != kColumns[0]) out += ',';
        const auto& value = json[column];
        if (value.is_string())
            out += quoted(value.get<std::string>());
        else if (!value.is_null())
            out += dump(value);
    }
    return out + "\r\n";
}

Result<std::vector<service::SiteImportRow>> parse_site_csv(std::string_view text,
                                                           std::size_t at_most) {
    CsvReader reader(text);
    const auto head = reader.is_over() ? std::nullopt : reader.next();
    if (!head) return Error{"line 1: is no head of a table"};
    const auto identity = column_of(*head, "identity"), site = column_of(*head, "site");
    const auto source = column_of(*head, "site_source");
    if (!identity || !site) return Error{"line 1: names no column `identity` or no `site`"};
    std::vector<service::SiteImportRow> out;
    while (!reader.is_over()) {
        const auto cells = reader.next();
        if (!cells) return fault_at(reader, "a quote is not closed, or is within a cell");
        if (cells->size() == 1 && cells->front().empty()) continue;
        if (cells->size() != head->size())
            return fault_at(reader, "has " + std::to_string(cells->size()) + " columns, the head " +
                                        std::to_string(head->size()));
        if (source && !(*cells)[*source].empty() && (*cells)[*source] != "imported") continue;
        service::SiteImportRow row{(*cells)[*identity], (*cells)[*site]};
        if (row.identity.empty() || row.identity.size() > kMaxIdentity)
            return fault_at(reader, "the identity is not 1 to 640 bytes");
        if (row.site.size() > kMaxSite) return fault_at(reader, "the site is over 256 bytes");
        if (out.size() == at_most)
            return fault_at(reader, "more than " + std::to_string(at_most) + " devices at a time");
        out.push_back(std::move(row));
    }
    return out;
}

}  // namespace sluice::rest
