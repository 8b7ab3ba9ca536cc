#include "acs-plugin/split/kernel_table.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/rng.hpp"

namespace sluice::split {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kRulesetMark = "ruleset_";
constexpr std::string_view kListingMark = "listing_";
constexpr std::size_t kRecordsALine = 1000;
constexpr int kReadAgain = 3;

Result<Json> parse(const std::string& text) {
    auto out = Json::parse(text, nullptr, false);
    if (out.is_discarded() || !out.contains("nftables") || !out["nftables"].is_array())
        return Error{"nftables: its listing is not JSON as we know it"};
    return out["nftables"];
}

std::string mark_in(const Json& listing, std::string_view mark) {
    for (const auto& item : listing) {
        if (!item.contains("chain")) continue;
        auto name = item["chain"].value("name", "");
        if (name.starts_with(mark)) return name;
    }
    return "";
}

void strip(Json& item) {
    for (const auto* key : {"handle", "packets", "bytes", "elem", "expires"})
        if (item.is_object()) item.erase(key);
    if (item.is_structured())
        for (auto& inner : item) strip(inner);
}

// The listing without what changes by itself: handles, counts, records and our own mark.
std::string listing_mark(Json listing) {
    std::string text;
    for (auto& item : listing) {
        if (item.contains("metainfo")) continue;
        if (item.contains("chain") && item["chain"].value("name", "").starts_with(kListingMark))
            continue;
        // Sets of constants stand in the rules; those of the table hold records.
        if (item.contains("set")) {
            strip(item);
        } else {
            for (auto& inner : item) inner.erase("handle");
            if (item.contains("counter")) strip(item);
        }
        text += item.dump() + "\n";
    }
    return std::string(kListingMark) + std::to_string(seed_of(text));
}

Record record_of(const Json& element, std::uint64_t usual_timeout_s) {
    Record out;
    out.timeout_s = usual_timeout_s;
    const auto* value = &element;
    if (element.is_object() && element.contains("elem")) {
        const auto& inner = element["elem"];
        out.timeout_s = inner.value("timeout", usual_timeout_s);
        out.expires_s = inner.value("expires", std::uint64_t{0});
        if (inner.contains("counter"))
            out.packets = inner["counter"].value("packets", std::uint64_t{0});
        value = &inner["val"];
    }
    const auto add = [&](const Json& part) {
        out.key.push_back(part.is_string() ? part.get<std::string>() : part.dump());
    };
    if (value->is_object() && value->contains("concat"))
        for (const auto& part : (*value)["concat"]) add(part);
    else
        add(*value);
    return out;
}

std::string text_of(const Record& record) {
    std::string out;
    for (const auto& part : record.key) out += (out.empty() ? "" : " . ") + part;
    // Older kernels prolong a record without saying so in its time-out.
    const auto timeout_s = std::max(record.timeout_s, record.expires_s);
    return out + " timeout " + std::to_string(timeout_s) + "s expires " +
           std::to_string(record.expires_s) + "s";
}

std::string adding(const std::string& table, const Records& records) {
    std::string out;
    for (const auto& [set, records_of_set] : records) {
        std::size_t in_line = 0;
        for (const auto& record : records_of_set) {
            // Less than a second: it would be over before anyone could use it.
            if (record.timeout_s == 0 || record.expires_s == 0) continue;
            out += in_line == 0 ? "add element inet " + table + " " + set + " { " : ", ";
            out += text_of(record);
            if (++in_line < kRecordsALine) continue;
            out += " }\n";
            in_line = 0;
        }
        if (in_line > 0) out += " }\n";
    }
    return out;
}

Records records_of(const Json& listing, const Settings& settings) {
    Records out;
    for (const auto& set : record_sets(settings)) {
        for (const auto& item : listing) {
            if (!item.contains("set") || item["set"].value("name", "") != set.name) continue;
            auto& records = out[set.name];
            if (!item["set"].contains("elem")) continue;
            const auto usual = item["set"].value("timeout", std::uint64_t{0});
            for (const auto& element : item["set"]["elem"])
                records.push_back(record_of(element, usual));
        }
    }
    return out;
}

std::map<std::string, std::uint64_t> counters_of(const Json& listing) {
    std::map<std::string, std::uint64_t> out;
    for (const auto& item : listing)
        if (item.contains("counter"))
            out[item["counter"].value("name", "")] =
                item["counter"].value("packets", std::uint64_t{0});
    return out;
}

}  // namespace

// Empty: there is no such table.
Result<std::string> KernelTable::listing() {
    // A table that comes or changes while it is read makes a listing fail: it is read again.
    for (int attempt = 0;; ++attempt) {
        auto text = nft_.list("list table inet " + settings_.table, false);
        if (text) return text;
        // There is no other way to tell "no table" from another failure than to ask for all.
        const auto all = nft_.list("list tables inet", true);
        if (all) {
            SLUICE_TRY(const auto tables, parse(all.value()));
            const bool is_there = std::ranges::any_of(tables, [&](const Json& item) {
                return item.contains("table") && item["table"].value("name", "") == settings_.table;
            });
            if (!is_there) return std::string();
        }
        if (attempt == kReadAgain) return std::move(text).error();
    }
}

Result<TableView> KernelTable::look() {
    SLUICE_TRY(const auto text, listing());
    if (text.empty()) return TableView{};
    SLUICE_TRY(auto items, parse(text));
    TableView out;
    out.records = records_of(items, settings_);
    out.counters = counters_of(items);
    out.state.is_there = true;
    out.state.ruleset = mark_in(items, kRulesetMark);
    const auto mark = mark_in(items, kListingMark);
    out.state.is_intact = !mark.empty() && mark == listing_mark(std::move(items));
    return out;
}

Result<void> KernelTable::install() {
    SLUICE_TRY(const auto before, look());
    const auto rules = make_ruleset(settings_);
    // Rules without records send sessions to the ITMS; records without rules send nobody.
    if (!nft_.run(rules + adding(settings_.table, before.records))) SLUICE_CHECK(nft_.run(rules));
    SLUICE_TRY(const auto text, nft_.list("list table inet " + settings_.table, true));
    SLUICE_TRY(auto items, parse(text));
    return nft_.run("add chain inet " + settings_.table + " " + listing_mark(std::move(items)));
}

Result<void> KernelTable::remove() {
    const auto table = "table inet " + settings_.table;
    return nft_.run("add " + table + "\ndelete " + table);
}

Result<void> KernelTable::flush() {
    std::string commands;
    for (const auto& set : record_sets(settings_))
        commands += "flush set inet " + settings_.table + " " + set.name + "\n";
    return nft_.run(commands);
}

}  // namespace sluice::split
