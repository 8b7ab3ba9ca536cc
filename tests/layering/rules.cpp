#include "tests/layering/rules.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <regex>
#include <set>

namespace sluice::layering {
namespace {

using Names = std::set<std::string, std::less<>>;

// The table of the design. A name with a dot is one header; any other is a folder of the engine.
const std::map<std::string, Names, std::less<>> kMayInclude{
    {"base", {}},
    {"inventory", {"base"}},
    {"grouping", {"base", "inventory"}},
    {"election", {"base", "inventory", "grouping"}},
    {"rollout", {"base", "inventory"}},
    {"image", {"base"}},
    {"planning", {"base", "inventory", "grouping", "election", "rollout", "image"}},
    {"transfer", {"base", "image", "planning/plan.hpp"}},
    {"serving", {"base", "image", "http"}},
    {"install", {"base", "image"}},
    {"upgrade", {"base", "image"}},
    {"split", {"base", "inventory/address.hpp"}},
    {"http", {"base"}},
    {"cwmp", {"base", "http"}},
    {"net", {"base", "http"}},
};

// What a pure folder may take from outside: the parts of the standard library that compute.
const Names kPureStandard{
    "algorithm",     "array",         "bit",      "bitset",      "cassert",    "charconv",
    "chrono",        "climits",       "cmath",    "compare",     "concepts",   "cstddef",
    "cstdint",       "cstdio",        "cstring",  "deque",       "functional", "initializer_list",
    "iterator",      "limits",        "list",     "map",         "memory",     "new",
    "numbers",       "numeric",       "optional", "queue",       "ratio",      "set",
    "span",          "stack",         "string",   "string_view", "tuple",      "type_traits",
    "unordered_map", "unordered_set", "utility",  "variant",     "vector",     "version"};
const std::array<std::string_view, 5> kPureLibraries{"boost/outcome/", "boost/container/",
                                                     "cryptopp/", "nlohmann/", "rapidxml/"};

const std::array<std::string_view, 3> kShells{"agent", "acs-plugin", "sim"};

struct HeavyHeader {
    std::string_view prefix;
    std::string_view name;
    // Folders whose .cpp files may have it; empty = any .cpp.
    std::vector<std::string_view> owners;
    // Folders whose headers may have it too, or such headers.
    std::vector<std::string_view> header_owners;
};
const std::array<HeavyHeader, 9> kHeavy{{
    {"boost/beast", "Beast", {"engine/net", "acs-plugin/store", "acs-plugin/cli"}, {}},
    {"boost/asio", "Asio", {}, {"engine/net", "acs-plugin/cluster", "sim/fleet", "tests"}},
    {"toml++/", "toml++", {"engine/net", "acs-plugin/store", "acs-plugin/cli"}, {}},
    {"libpq-fe.h", "libpq", {"acs-plugin/store", "tests"}, {}},
    {"CLI/", "CLI11", {"engine/net", "acs-plugin/store", "acs-plugin/cli"}, {}},
    {"nlohmann/json.hpp",
     "nlohmann/json.hpp",
     {},
     {"acs-plugin/service/json_fields.hpp", "tests/cluster"}},
    {"cryptopp/", "Crypto++", {}, {}},
    {"spdlog/", "spdlog", {}, {}},
    {"libtorrent/", "libtorrent", {}, {}},
}};

std::string at(const SourceFile& file, std::size_t line) {
    return file.path + ":" + std::to_string(line);
}

bool is_pure(const SourceFile& file) {
    return file.is_in("engine") && !file.is_in("engine/net");
}

std::string first_part(std::string_view path) {
    return std::string(path.substr(0, path.find('/')));
}

// "engine/http/range.hpp" → "http".
std::string engine_folder(std::string_view path) {
    return first_part(path.substr(std::string_view("engine/").size()));
}

bool may_include(const SourceFile& file, std::string_view target) {
    const auto from = first_part(file.path);
    const auto to = first_part(target);
    if (from == "tests") return true;
    if (to == "tests") return false;
    if (from != "engine") return to == from || to == "engine";
    if (to != "engine") return false;

    const auto own = engine_folder(file.path);
    const auto row = kMayInclude.find(own);
    if (row == kMayInclude.end()) return false;
    const auto folder = engine_folder(target);
    return folder == own || row->second.contains(folder) ||
           row->second.contains(target.substr(std::string_view("engine/").size()));
}

Findings find_tokens(const SourceFile& file, const std::regex& tokens, const std::string& what) {
    Findings out;
    for (const auto& [line, code] : file.code) {
        std::smatch found;
        if (std::regex_search(code, found, tokens))
            out.push_back({at(file, line), found.str() + ": " + what});
    }
    return out;
}

bool is_pure_header(std::string_view target) {
    if (target.starts_with("cryptopp/osrng") || target.starts_with("cryptopp/files")) return false;
    return kPureStandard.contains(target) ||
           std::ranges::any_of(kPureLibraries, [&](auto p) { return target.starts_with(p); });
}

void append(Findings& to, Findings from) {
    std::ranges::move(from, std::back_inserter(to));
}

}  // namespace

Findings check_arrows(const SourceFile& file) {
    Findings out;
    if (file.is_in("engine") && !kMayInclude.contains(engine_folder(file.path)))
        out.push_back({file.path, "a folder that the table of the design does not know"});
    for (const auto& include : file.includes)
        if (include.is_quoted && !may_include(file, include.target))
            out.push_back(
                {at(file, include.line), file.folder() + " may not include " + include.target});
    return out;
}

Findings check_include_form(const SourceFile& file) {
    static const Names roots{"engine", "agent", "acs-plugin", "sim", "tests"};
    Findings out;
    for (const auto& include : file.includes) {
        if (!include.is_quoted) continue;
        const bool is_from_root = include.target.find('/') != std::string::npos &&
                                  roots.contains(first_part(include.target)) &&
                                  include.target.find("..") == std::string::npos;
        if (!is_from_root)
            out.push_back(
                {at(file, include.line), "\"" + include.target + "\" is not from the root"});
    }
    return out;
}

Findings check_purity(const SourceFile& file) {
    static const std::regex tokens(
        R"(\b(\w+_clock|random_device|this_thread|jthread|mutex|condition_variable|future|async)\b)"
        R"(|\bstd::(thread|atomic\w*|[io]?fstream|filesystem|c(out|err|log|in)|getenv|time|rand)\b)"
        R"(|\b(f?printf|f?puts|putchar|fopen|fwrite|fread|gettimeofday|clock_gettime|getrandom|system)\s*\()"
        R"(|\b(throw|thread_local)\b)");
    static const std::regex exceptions(R"(\b(try|catch)\b)");
    if (!is_pure(file)) return {};
    auto out = find_tokens(file, tokens, "the engine is pure outside engine/net");
    // Exceptions stop at the border of the one library here that cannot do without.
    const bool is_border = std::ranges::any_of(
        file.includes, [](const auto& i) { return i.target.starts_with("rapidxml/"); });
    if (!is_border)
        for (auto& finding : find_tokens(file, exceptions, "the engine is pure outside engine/net"))
            out.push_back(std::move(finding));
    for (const auto& include : file.includes)
        if (!include.is_quoted && !is_pure_header(include.target))
            out.push_back({at(file, include.line),
                           "<" + include.target + ">: the engine is pure outside engine/net"});
    return out;
}

Findings check_heavy_headers(const SourceFile& file) {
    Findings out;
    const auto is_among = [&](const std::vector<std::string_view>& folders) {
        return std::ranges::any_of(
            folders, [&](auto folder) { return file.is_in(folder) || file.path == folder; });
    };
    for (const auto& include : file.includes) {
        for (const auto& heavy : kHeavy) {
            if (!include.target.starts_with(heavy.prefix)) continue;
            if (file.is_header() && !is_among(heavy.header_owners))
                out.push_back({at(file, include.line), std::string(heavy.name) + " in a header"});
            if (!heavy.owners.empty() && !file.is_in("tests") && !is_among(heavy.owners))
                out.push_back({at(file, include.line),
                               std::string(heavy.name) + " outside the folders that own it"});
        }
    }
    return out;
}

Findings check_durable_writes(const SourceFile& file) {
    // Only the system's own: a member or a function of ours by that name is qualified otherwise.
    static const std::regex tokens(
        R"((^|[^\w>:]|\bstd)::(p?writev?|fsync|fdatasync|sync_file_range|renameat2?|rename|)"
        R"(ftruncate|fallocate)\s*\()");
    if (!file.is_in("agent") || file.is_in("agent/disk")) return {};
    auto out = find_tokens(file, tokens, "durable writes go through agent/disk");
    for (const auto& include : file.includes)
        if (include.target == "fstream")
            out.push_back(
                {at(file, include.line), "<fstream>: durable writes go through agent/disk"});
    return out;
}

Findings check_randomness(const SourceFile& file) {
    static const std::regex tokens(
        R"(\bstd::(\w+_distribution|shuffle|sample|mt19937\w*|minstd_rand\w*|default_random_engine)\b)");
    if (!file.is_in("engine") && !file.is_in("sim")) return {};
    return find_tokens(file, tokens, "draws come from engine/base/rng.hpp");
}

Findings check_namespace(const SourceFile& file) {
    static const std::map<std::string, std::string, std::less<>> exceptions{
        {"agent/link", "CryptoPP"}, {"engine/base", "sluice"}, {"sim/world", "sluice::sim"}};
    const bool is_shipped = file.is_in("engine") || file.is_in("agent") || file.is_in("sim") ||
                            file.is_in("acs-plugin");
    if (!is_shipped || file.path.ends_with("/main.cpp") || file.path.ends_with(".h") ||
        file.path.ends_with(".c"))
        return {};

    const auto folder = file.folder();
    std::string expected;
    if (const auto known = exceptions.find(folder); known != exceptions.end()) {
        expected = known->second;
    } else {
        const auto slash = folder.find('/');
        const auto top = folder.substr(0, slash);
        expected = top == "agent" || top == "sim" ? "sluice::" + top : "sluice";
        if (slash != folder.npos) expected += "::" + folder.substr(slash + 1);
    }
    const std::regex opening("^\\s*namespace " + expected + "(::\\w+)* \\{");
    const bool is_there = std::ranges::any_of(
        file.code, [&](const CodeLine& line) { return std::regex_search(line.code, opening); });
    if (is_there) return {};
    return {{file.path, "no namespace " + expected}};
}

Findings check_pragma_once(const SourceFile& file) {
    // A header for C callers keeps C's own guard.
    if (!file.path.ends_with(".hpp") || file.has_pragma_once) return {};
    return {{file.path, "a header without #pragma once"}};
}

Findings check_name(const std::string& path) {
    static const std::regex vague(R"((^|[/_.-])(utils?|common|helpers?|managers?|misc)([/_.-]|$))");
    std::smatch found;
    if (!std::regex_search(path, found, vague)) return {};
    return {{path, "'" + found[2].str() + "' says nothing: name what it holds"}};
}

Findings check_unfinished(const std::string& path, std::string_view text) {
    // Spelled in parts, so that this file passes its own rule.
    static const std::regex marks(
        "\\b(TO"
        "DO|FIX"
        "ME|X"
        "XX|HA"
        "CK)\\b");
    Findings out;
    std::size_t line = 1;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const std::string one(text.substr(0, end));
        std::smatch found;
        if (std::regex_search(one, found, marks))
            out.push_back({path + ":" + std::to_string(line), found.str() + " left for later"});
        text.remove_prefix(std::min(end + 1, text.size()));
        ++line;
    }
    return out;
}

Findings check_size(const SourceFile& file) {
    if (file.line_count <= kHardLineLimit) return {};
    return {{file.path, std::to_string(file.line_count) + " lines, at most " +
                            std::to_string(kHardLineLimit)}};
}

Findings check(const SourceFile& file) {
    Findings out;
    for (const auto rule :
         {check_arrows, check_include_form, check_purity, check_heavy_headers, check_durable_writes,
          check_randomness, check_namespace, check_pragma_once, check_size})
        append(out, rule(file));
    append(out, check_name(file.path));
    return out;
}

}  // namespace sluice::layering
