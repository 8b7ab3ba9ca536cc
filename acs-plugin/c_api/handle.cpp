#include "acs-plugin/c_api/handle.hpp"

#include <cstdlib>
#include <mutex>
#include <set>

#include "acs-plugin/c_api/row_json.hpp"

namespace sluice::c_api {
namespace {

// The only thing that planners of a process share.
struct Registry {
    std::mutex lock;
    std::set<const sluice_planner*> planners;
};

Registry& registry() {
    static Registry one;
    return one;
}

}  // namespace

void register_planner(const sluice_planner* planner) {
    const std::lock_guard guard(registry().lock);
    registry().planners.insert(planner);
}

void forget_planner(const sluice_planner* planner) {
    const std::lock_guard guard(registry().lock);
    registry().planners.erase(planner);
}

bool is_registered(const sluice_planner* planner) {
    const std::lock_guard guard(registry().lock);
    return registry().planners.contains(planner);
}

char* text_for_caller(std::string_view text) {
    auto* out = static_cast<char*>(std::malloc(text.size() + 1));
    if (out == nullptr) throw std::bad_alloc();
    std::memcpy(out, text.data(), text.size());
    out[text.size()] = '\0';
    return out;
}

int tell(Verdict verdict, char** error) noexcept {
    if (!verdict) return SLUICE_OK;
    if (error != nullptr) {
        *error = static_cast<char*>(std::malloc(verdict->text.size() + 1));
        if (*error != nullptr) std::memcpy(*error, verdict->text.c_str(), verdict->text.size() + 1);
    }
    return verdict->status;
}

Verdict check_planner(const sluice_planner* planner, bool wants_restored) {
    if (planner == nullptr) return is_null("planner");
    if (!is_registered(planner))
        return Fault{SLUICE_WRONG_HANDLE, "planner: is not one of this library, or is destroyed"};
    if (!planner->broken.empty()) return Fault{SLUICE_NOT_KEPT, planner->broken};
    if (wants_restored && !planner->is_restored)
        return Fault{SLUICE_WRONG_ARGUMENT, "planner: sluice_planner_restore_end comes first"};
    return std::nullopt;
}

Verdict keep_rows(sluice_planner& planner, const service::Changes& rows) {
    std::vector<KeptRow> kept;
    for (const auto& row : rows)
        if (auto one = keep(row)) kept.push_back(std::move(*one));
    if (kept.empty()) return std::nullopt;
    std::vector<sluice_row> given;
    std::vector<const sluice_row*> pointers;
    for (const auto& row : kept)
        given.push_back({sizeof(sluice_row), row.kind.c_str(), row.key.c_str(), row.device.c_str(),
                         row.json.c_str(), row.json.size()});
    for (const auto& row : given) pointers.push_back(&row);
    if (planner.persist(planner.context, pointers.data(), pointers.size()) == 0)
        return std::nullopt;
    planner.broken = "persist failed: the planner is ahead of its rows; destroy it and restore";
    return Fault{SLUICE_NOT_KEPT, planner.broken};
}

}  // namespace sluice::c_api
