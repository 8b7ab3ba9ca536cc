#pragma once
// HTTP's part of one CWMP session at the CPE's end (TR-069 §3.4): where it POSTs, the cookies that
// go along, and how far redirects are followed. What is posted is engine/cwmp's; who sends it is an
// HttpClient.

#include <optional>
#include <string>

#include "engine/http/cookie_jar.hpp"
#include "engine/net/http_client.hpp"

namespace sluice::net {

class AcsConversation {
public:
    // `may_speak_plain`: a redirect may lead from TLS to plain HTTP.
    AcsConversation(Url acs, bool may_speak_plain)
        : url_(std::move(acs)), may_speak_plain_(may_speak_plain) {}

    // An envelope, or the empty POST.
    ClientRequest post(std::string envelope);
    // Keeps the answer's cookies. The same POST again, if the answer leads elsewhere: from then on
    // the session is there.
    std::optional<ClientRequest> follow(const ClientAnswer& answer);

    const Url& url() const { return url_; }

private:
    ClientRequest request() const;

    Url url_;
    bool may_speak_plain_;
    http::CookieJar cookies_;
    std::string envelope_;  // of the POST that is open
    unsigned redirects_ = 0;
};

// As a number of seconds; 0: it says nothing, or a date.
Duration retry_after(const ClientAnswer& answer);

}  // namespace sluice::net
