#pragma once
// libsluice_acs as its users meet it: the header, and a store in memory.

#include <fstream>
#include <gmock/gmock.h>
#include <iterator>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <sluice/acs_planner.h>
#include <string>
#include <vector>

namespace sluice::c_api {

using Json = nlohmann::json;

inline constexpr std::int64_t kNow = 1'780'000'000'000;

// What a call said, the text given back already.
struct Said {
    int status = SLUICE_OK;
    std::string error;
    std::string text;  // the call's own, where it gives one
};

inline std::string taken(char* text) {
    std::string out = text == nullptr ? "" : text;
    sluice_free(text);
    return out;
}

class Library {
public:
    Library() { options = usual(); }
    ~Library() { sluice_planner_destroy(planner); }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;

    sluice_options usual() {
        sluice_options out{};
        out.size = sizeof out;
        out.abi_version = SLUICE_ABI_VERSION;
        out.context = this;
        out.persist = [](void* context, const sluice_row* const* given, std::size_t count) {
            return static_cast<Library*>(context)->keep(given, count);
        };
        out.origin_url = "http://198.51.100.7:7548";
        return out;
    }
    Said create() {
        Said out;
        char* error = nullptr;
        out.status = sluice_planner_create(&options, &planner, &error);
        out.error = taken(error);
        return out;
    }
    // Out of the rows that were kept.
    Said restore() {
        auto out = create();
        if (out.status != SLUICE_OK) return out;
        // Last kind first: parts in rollouts before devices.
        for (auto at = rows.rbegin(); at != rows.rend(); ++at) {
            const auto& [name, json] = *at;
            const sluice_row row{sizeof(sluice_row), name.first.c_str(), name.second.c_str(), "",
                                 json.c_str(),       json.size()};
            const sluice_row* one = &row;
            out = call(sluice_planner_restore_rows, &one, std::size_t{1});
            if (out.status != SLUICE_OK) return out;
        }
        return call(sluice_planner_restore_end);
    }
    // A call of the planner with these arguments.
    template <class... Parameters, class... Arguments>
    Said call(int (*function)(sluice_planner*, Parameters...), Arguments... arguments) {
        Said out;
        char* error = nullptr;
        out.status = function(planner, arguments..., &error);
        out.error = taken(error);
        return out;
    }
    // The same of one that gives a text.
    template <class... Parameters, class... Arguments>
    Said ask(int (*function)(sluice_planner*, Parameters...), Arguments... arguments) {
        char* text = nullptr;
        auto out = call(function, arguments..., &text);
        out.text = taken(text);
        return out;
    }
    Json exchange(const Json& turn, std::int64_t now = kNow);

    int keep(const sluice_row* const* given, std::size_t count) {
        if (is_broken) return 1;
        for (std::size_t i = 0; i < count; ++i) {
            const std::string kind = given[i]->kind, key = given[i]->key;
            const std::string json(given[i]->json, given[i]->json_size);
            if (kind == "event")
                events.push_back(json);
            else if (kind == "gone")
                std::erase_if(devices, [&](const auto& each) {
                    return each.second == key && rows.erase(each.first) > 0;
                });
            else
                rows[{kind, key}] = json, devices[{kind, key}] = given[i]->device;
        }
        ++commits;
        return 0;
    }

    sluice_options options{};
    sluice_planner* planner = nullptr;
    std::map<std::pair<std::string, std::string>, std::string> rows;  // kind, key
    std::map<std::pair<std::string, std::string>, std::string> devices;
    std::vector<std::string> events;  // JSON
    int commits = 0;
    bool is_broken = false;
};

Json a_report(int serial, const std::string& version = "4.2.0");

inline std::string a_manifest() {
    std::ifstream file(SLUICE_SOURCE_DIR "/acs-plugin/c_api/examples/gw3-4.2.1.manifest.json");
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace sluice::c_api
