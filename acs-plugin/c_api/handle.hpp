#pragma once
// What stands behind the opaque handle of sluice/acs_planner.h, and the border that every function
// of the header crosses: handles checked, exceptions stopped, errors as codes and texts, rows kept
// before the call returns. Inside acs-plugin/c_api only.

#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "acs-plugin/c_api/include/sluice/acs_planner.h"
#include "acs-plugin/service/planner.hpp"

// NOLINTNEXTLINE: the name is the header's
struct sluice_planner {
    void* context = nullptr;
    decltype(sluice_options::persist) persist = nullptr;
    std::vector<sluice::inventory::Prefix> lan;
    std::optional<sluice::service::Planner> planner;
    bool is_restored = false;
    // Devices' parts in rollouts, until all that they lean on is there: rows come in any order.
    std::vector<sluice::service::Row> held_back;
    std::string broken;  // why nothing more is taken; empty: all is well
    // What the last sluice_order points at.
    std::vector<std::string> texts;
};

namespace sluice::c_api {

struct Fault {
    int status;
    std::string text;
};
// Nothing: it went well.
using Verdict = std::optional<Fault>;

inline Fault refused(const Error& error) {
    return {SLUICE_REFUSED, error.message};
}

// A copy for the caller, who gives it to sluice_free.
char* text_for_caller(std::string_view text);
int tell(Verdict verdict, char** error) noexcept;

// Live planners of this process: a pointer is looked at only when it is one of them.
void register_planner(const sluice_planner* planner);
void forget_planner(const sluice_planner* planner);
bool is_registered(const sluice_planner* planner);

// Runs `work`, which gives a Verdict; nothing that is thrown gets out.
template <class Work>
int guarded(char** error, Work work) noexcept {
    if (error != nullptr) *error = nullptr;
    try {
        return tell(work(), error);
    } catch (const std::bad_alloc&) {
        return tell(Fault{SLUICE_INTERNAL, "out of memory"}, error);
    } catch (const std::exception& e) {
        return tell(Fault{SLUICE_INTERNAL, e.what()}, error);
    } catch (...) {
        return tell(Fault{SLUICE_INTERNAL, "unknown fault"}, error);
    }
}

// What stands in the way of using it; restored ones only, unless it is not needed.
Verdict check_planner(const sluice_planner* planner, bool wants_restored = true);

// Rows to the caller's store. After a failure the planner takes no more calls.
Verdict keep_rows(sluice_planner& planner, const service::Changes& rows);

// The usual call: a planner that may be used, `work` on it, its rows kept.
//     work(sluice_planner&, service::Changes&) → Verdict
template <class Work>
int with_planner(sluice_planner* planner, char** error, Work work) noexcept {
    return guarded(error, [&]() -> Verdict {
        if (auto fault = check_planner(planner)) return fault;
        service::Changes rows;
        auto verdict = work(*planner, rows);
        if (auto fault = keep_rows(*planner, rows)) return fault;
        return verdict;
    });
}

// A struct as its caller knows it, filled up with zeros to the size that we know. Nothing: NULL, or
// longer than ours and not all zeros there.
template <class T>
std::optional<T> taken(const T* given, std::size_t least) {
    if (given == nullptr || given->size < least) return std::nullopt;
    const auto* bytes = reinterpret_cast<const unsigned char*>(given);
    for (std::size_t i = sizeof(T); i < given->size; ++i)
        if (bytes[i] != 0) return std::nullopt;
    T out{};
    std::memcpy(&out, given, std::min(given->size, sizeof(T)));
    return out;
}

inline Fault is_null(const char* what) {
    return {SLUICE_WRONG_ARGUMENT, std::string(what) + ": is NULL"};
}
inline service::WallTime time_of(int64_t now_ms) {
    return {now_ms};
}

}  // namespace sluice::c_api
