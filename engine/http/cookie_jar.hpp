#pragma once
// The cookies of one CWMP session on the CPE's side (TR-069 §3.4.2): each that the ACS sets goes
// back with every later request; attributes are not looked at, as one server is spoken to. Bounded.

#include <map>
#include <string>
#include <string_view>

namespace sluice::http {

class CookieJar {
public:
    static constexpr std::size_t kMaxCookies = 16;
    static constexpr std::size_t kMaxCookie = 4096;

    // One Set-Cookie field. What is no cookie, or one too many, is passed over.
    void take(std::string_view set_cookie);
    // The value of Cookie; empty: none.
    std::string field() const;
    void clear() { cookies_.clear(); }

private:
    std::map<std::string, std::string, std::less<>> cookies_;
};

}  // namespace sluice::http
