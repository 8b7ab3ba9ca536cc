#pragma once
// Expected failure is a value. Result<T> carries either a T or an Error whose message names the
// thing at fault; folders with a closed set of reasons use their own error type as E. A broken
// promise of our own code is an assertion instead, never a Result.

#include <boost/outcome/basic_result.hpp>
#include <boost/outcome/policy/terminate.hpp>
#include <boost/outcome/success_failure.hpp>
#include <string>
#include <utility>

namespace sluice {

// One line for a person. Context is added once, where it is known, outermost first:
// "assignment /etc/a.json: sources[2].url: not an http or https URL".
struct Error {
    std::string message;

    Error within(const std::string& context) && { return Error{context + ": " + message}; }
};

// Reading the wrong side of a Result is a bug in our code: it terminates, in every build.
template <class T, class E = Error>
using Result = boost::outcome_v2::basic_result<T, E, boost::outcome_v2::policy::terminate>;

inline auto success() {
    return boost::outcome_v2::success();
}

}  // namespace sluice

#define SLUICE_DETAIL_JOIN2(a, b) a##b
#define SLUICE_DETAIL_JOIN(a, b) SLUICE_DETAIL_JOIN2(a, b)
#define SLUICE_DETAIL_TRY(result, declaration, ...)                                      \
    auto&& result = (__VA_ARGS__);                                                       \
    if (!result.has_value()) return std::forward<decltype(result)>(result).as_failure(); \
    declaration = std::forward<decltype(result)>(result).value()

// SLUICE_TRY(auto layer, verify_layer(bytes)): declares `layer`, or returns the failure.
#define SLUICE_TRY(declaration, ...) \
    SLUICE_DETAIL_TRY(SLUICE_DETAIL_JOIN(sluice_try_, __COUNTER__), declaration, __VA_ARGS__)

// SLUICE_CHECK(write_all(...)): for results whose value is of no interest.
#define SLUICE_CHECK(...)                                                             \
    do {                                                                              \
        auto&& sluice_check_ = (__VA_ARGS__);                                         \
        if (!sluice_check_.has_value())                                               \
            return std::forward<decltype(sluice_check_)>(sluice_check_).as_failure(); \
    } while (false)
