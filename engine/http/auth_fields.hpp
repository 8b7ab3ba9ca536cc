#pragma once
// The common shape of WWW-Authenticate and Authorization (RFC 9110 §11): a scheme and either one
// token68 or a list of parameters. Digest and Basic read their values out of it.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::http {

inline constexpr std::size_t kMaxAuthField = 4096;
inline constexpr std::size_t kMaxAuthParameters = 32;  // of all schemes of one field

struct AuthScheme {
    std::string name;     // as it came; compare without case
    std::string token68;  // Basic's; empty when there are parameters
    std::vector<std::pair<std::string, std::string>> parameters;  // names in lower case, unquoted

    // The parameter's value; nothing when it is missing.
    const std::string* find(std::string_view parameter) const;
};

// A field may name several schemes ("Digest a=1, b=2, Basic realm=x"). Nothing when it does not
// follow the grammar, exceeds the limits above, or gives one scheme a parameter twice.
std::optional<std::vector<AuthScheme>> parse_auth_field(std::string_view field);

// `text` as a quoted-string (RFC 9110 §5.6.4).
std::string quoted(std::string_view text);

}  // namespace sluice::http
