#include "engine/net/acs_conversation.hpp"

#include "engine/http/text.hpp"

namespace sluice::net {
namespace {

constexpr unsigned kMaxRedirects = 5;

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 307 || status == 308;
}

}  // namespace

ClientRequest AcsConversation::post(std::string envelope) {
    envelope_ = std::move(envelope);
    return request();
}

ClientRequest AcsConversation::request() const {
    ClientRequest out;
    out.method = "POST";
    out.url = url_;
    if (!envelope_.empty()) {
        out.fields.emplace_back("Content-Type", "text/xml; charset=utf-8");
        out.fields.emplace_back("SOAPAction", "\"\"");
    }
    if (auto cookies = cookies_.field(); !cookies.empty())
        out.fields.emplace_back("Cookie", std::move(cookies));
    out.body = envelope_;
    return out;
}

std::optional<ClientRequest> AcsConversation::follow(const ClientAnswer& answer) {
    for (const auto& [name, value] : answer.fields)
        if (name == "set-cookie") cookies_.take(value);
    if (!is_redirect(answer.status) || redirects_++ >= kMaxRedirects) return std::nullopt;
    auto next = resolve(url_, answer.field("location"));
    // What TLS promised is not given up because a server says so.
    if (!next || (!next.value().is_tls && !may_speak_plain_)) return std::nullopt;
    if (!next.value().is_same_endpoint(url_)) cookies_.clear();
    url_ = std::move(next).value();
    return request();
}

Duration retry_after(const ClientAnswer& answer) {
    const auto seconds = http::parse_number<std::uint32_t>(http::trim(answer.field("retry-after")));
    return std::chrono::seconds(seconds.value_or(0));
}

}  // namespace sluice::net
