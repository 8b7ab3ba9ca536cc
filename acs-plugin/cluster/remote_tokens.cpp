#include "acs-plugin/cluster/remote_tokens.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>
#include <tuple>

namespace sluice::cluster {
namespace {

constexpr auto kTellEvery = std::chrono::milliseconds(200);
constexpr std::size_t kMaxKept = 4096;  // answers about tokens; each is used at once

struct Known {
    std::optional<service::Grant> grant;
    bool is_over = false;
    std::string assignment, why_not;
};

// Whose payload it is.
using Account = std::tuple<std::string, std::string, std::string, bool>;  // rollout … canary
struct Sent {
    std::uint64_t bytes = 0;
    std::uint32_t requests = 0;
};

}  // namespace

struct RemoteTokens::Impl : std::enable_shared_from_this<Impl> {
    Impl(boost::asio::io_context& io, Channel& c) : channel(c), timer(io) {}

    bool learn(const std::string& token, const Message& answer);
    void arm();
    std::map<Account, Sent> next_portion();
    void tell();
    void take_held(const Message& answer);

    Channel& channel;
    boost::asio::steady_timer timer;
    bool is_armed = false;
    std::map<std::string, Known, std::less<>> known;
    std::map<std::string, service::ImageRow, std::less<>> images;
    std::map<Account, Sent> sent;
    std::set<std::pair<std::string, std::string>> held;  // rollout, site or identity
};

RemoteTokens::RemoteTokens(boost::asio::io_context& io, Channel& channel)
    : impl_(std::make_shared<Impl>(io, channel)) {}
RemoteTokens::~RemoteTokens() = default;

// --- tokens -----------------------------------------------------------------------------------

void RemoteTokens::prepare(std::string_view token, bool is_for_assignment,
                           std::function<void(bool)> ready) {
    auto& it = *impl_;
    if (it.known.size() > kMaxKept) it.known.clear();
    it.channel.ask({{"what", "token"}, {"token", token}, {"assignment", is_for_assignment}},
                   [weak = impl_->weak_from_this(), token = std::string(token),
                    ready = std::move(ready)](const Message* answer) {
                       const auto self = weak.lock();
                       if (!self) return;
                       const bool is_known = answer != nullptr && self->learn(token, *answer);
                       ready(is_known);
                       self->known.erase(token);
                   });
}

// False: nobody can read it.
bool RemoteTokens::Impl::learn(const std::string& token, const Message& answer) {
    service::Grant grant;
    service::ImageRow row;
    if (answer.contains("grant") && !read(answer["grant"], grant)) return false;
    if (answer.contains("image") && !read(answer["image"], row)) return false;
    auto& entry = known[token];
    entry.is_over = is_on(answer, "over");
    if (answer.contains("grant")) entry.grant = std::move(grant);
    if (answer.contains("image")) {
        if (images.size() > kMaxKept) images.clear();
        images[row.id] = row;
    }
    entry.assignment = text_of(answer, "assignment");
    entry.why_not = text_of(answer, "why_not");
    if (entry.grant && !entry.grant->is_held)
        held.erase({entry.grant->rollout,
                    entry.grant->site.empty() ? entry.grant->identity : entry.grant->site});
    return true;
}

std::optional<service::Grant> RemoteTokens::grant(std::string_view token) const {
    const auto at = impl_->known.find(token);
    return at == impl_->known.end() ? std::nullopt : at->second.grant;
}

bool RemoteTokens::is_over(std::string_view token) const {
    const auto at = impl_->known.find(token);
    return at != impl_->known.end() && at->second.is_over;
}

Result<std::string> RemoteTokens::assignment(std::string_view token, service::WallTime) {
    const auto at = impl_->known.find(token);
    if (at == impl_->known.end()) return Error{"the owner was not asked"};
    if (at->second.assignment.empty()) return Error{at->second.why_not};
    return at->second.assignment;
}

const service::ImageRow* RemoteTokens::image(std::string_view id) const {
    const auto at = impl_->images.find(id);
    return at == impl_->images.end() ? nullptr : &at->second;
}

// --- payload ----------------------------------------------------------------------------------

bool RemoteTokens::on_payload(const service::Grant& grant, std::uint64_t bytes,
                              bool is_new_request) {
    auto& it = *impl_;
    auto& account = it.sent[{grant.rollout, grant.identity, grant.site, grant.is_plain_canary}];
    account.bytes += bytes;
    account.requests += is_new_request ? 1 : 0;
    it.arm();
    return !it.held.contains({grant.rollout, grant.site.empty() ? grant.identity : grant.site});
}

void RemoteTokens::Impl::arm() {
    if (std::exchange(is_armed, true)) return;
    timer.expires_after(kTellEvery);
    timer.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
        const auto self = weak.lock();
        if (ec || !self) return;
        self->is_armed = false;
        self->tell();
    });
}

// The next message's part of what is to be told.
std::map<Account, Sent> RemoteTokens::Impl::next_portion() {
    std::map<Account, Sent> out, left_over;
    while (!sent.empty() && out.size() < kMaxAccounts) {
        auto node = sent.extract(sent.begin());
        auto& what = node.mapped();
        const auto told = std::min(what.requests, kMaxRequests);
        out[node.key()] = {what.bytes, told};
        what = {0, what.requests - told};
        if (what.requests > 0) left_over.insert(std::move(node));
    }
    sent.merge(left_over);
    return out;
}

// What an owner that is away was not told, the next one is.
void RemoteTokens::Impl::tell() {
    auto accounts = next_portion();
    if (!sent.empty()) arm();
    auto list = Message::array();
    for (const auto& [account, what] : accounts) {
        const auto& [rollout, identity, site, is_canary] = account;
        list.push_back({{"rollout", rollout},
                        {"identity", identity},
                        {"site", site},
                        {"canary", is_canary},
                        {"bytes", what.bytes},
                        {"requests", what.requests}});
    }
    channel.ask({{"what", "payload"}, {"sent", std::move(list)}},
                [weak = weak_from_this(), accounts = std::move(accounts)](const Message* answer) {
                    const auto self = weak.lock();
                    if (!self) return;
                    if (answer != nullptr) return self->take_held(*answer);
                    for (const auto& [account, what] : accounts) {
                        self->sent[account].bytes += what.bytes;
                        self->sent[account].requests += what.requests;
                    }
                    self->arm();
                });
}

void RemoteTokens::Impl::take_held(const Message& answer) {
    const auto at = answer.find("held");
    if (at == answer.end() || !at->is_array()) return;
    for (const auto& each : *at)
        if (each.is_object()) held.insert({text_of(each, "rollout"), text_of(each, "of")});
}

}  // namespace sluice::cluster
