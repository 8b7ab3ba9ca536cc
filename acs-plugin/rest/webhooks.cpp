#include "acs-plugin/rest/webhooks.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "acs-plugin/rest/log_pace.hpp"
#include "acs-plugin/rest/views_json.hpp"
#include "acs-plugin/rest/webhook_signature.hpp"
#include "engine/net/client_auth.hpp"
#include "engine/net/client_tls.hpp"
#include "engine/net/http_client.hpp"

namespace sluice::rest {
namespace {

using Rows = std::vector<service::EventRow>;

constexpr std::size_t kAnswer = 64 * 1024;  // nobody reads it

bool is_own_machine(const std::string& host) {
    return host == "localhost" || host == "::1" ||
           (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

std::string body_of(const Rows& rows, service::WallTime now) {
    nlohmann::ordered_json out{{"type", "events"}, {"timestamp", time_of(now)}};
    auto& events = out["data"]["events"] = nlohmann::ordered_json::array();
    for (const auto& row : rows) events.push_back(to_json(row));
    return dump(out);
}

}  // namespace

struct Webhooks::Impl : std::enable_shared_from_this<Impl> {
    // What is being sent: the same bytes under the same id until they are taken.
    struct Batch {
        std::string id, body;
        std::uint64_t last = 0;
        std::size_t events = 0;
    };
    struct Hook {
        Hook(boost::asio::io_context& io, net::ClientTls& tls, service::WebhookRow r, net::Url u,
             const net::HttpClientOptions& options)
            : row(std::move(r)),
              url(std::move(u)),
              auth({}, net::BasicPolicy::refused),
              client(io, tls, auth, options) {}
        service::WebhookRow row;
        net::Url url;
        net::ClientAuth auth;
        net::HttpClient client;
        std::optional<Batch> batch;
        bool is_busy = false;     // reading the log, or sending
        bool is_behind = true;    // there is more than was read
        std::uint64_t round = 0;  // of wakes: what it has looked at
        WebhookStanding standing;
        Instant next_try, written;
        std::uint64_t written_number = 0;
    };

    Impl(boost::asio::io_context& i, net::ClientTls& t, WebhookOptions o)
        : io(i),
          tls(t),
          options(std::move(o)),
          pace(io, options.limits.poll, options.limits.poll_unasked,
               [this](Instant now) { return look(now); }) {}

    bool look(Instant now);
    void read(Hook& hook);
    void take(const std::string& id, const Result<Rows>& rows, std::size_t asked);
    void send(Hook& hook);
    void on_answer(const std::string& id,
                   const Result<net::ClientAnswer, net::ClientError>& answer);
    void on_taken(Hook& hook);
    void on_failure(Hook& hook, const std::string& why);
    void write_place(Hook& hook, Instant now);
    Hook* find(std::string_view id);

    boost::asio::io_context& io;
    net::ClientTls& tls;
    const WebhookOptions options;
    std::map<std::string, std::unique_ptr<Hook>, std::less<>> all;
    LogPace pace;
    std::uint64_t delivered = 0, failed = 0;
};

// --- when -------------------------------------------------------------------------------------

bool Webhooks::Impl::look(Instant now) {
    for (auto& [id, hook] : all) {
        write_place(*hook, now);
        if (hook->is_busy || now < hook->next_try) continue;
        if (hook->batch)
            send(*hook);
        else if (hook->is_behind || hook->round != pace.round())
            read(*hook);
    }
    return !all.empty();
}

Webhooks::Impl::Hook* Webhooks::Impl::find(std::string_view id) {
    const auto at = all.find(id);
    return at == all.end() ? nullptr : at->second.get();
}

// --- one batch --------------------------------------------------------------------------------

void Webhooks::Impl::read(Hook& hook) {
    hook.is_busy = true;
    hook.round = pace.round();
    service::EventQuery query;
    query.after = hook.row.delivered;
    query.kinds = hook.row.kinds;
    query.at_most = options.limits.batch;
    options.history(query, [weak = weak_from_this(), id = hook.row.id,
                            asked = query.at_most](const Result<Rows>& rows) {
        if (const auto self = weak.lock()) self->take(id, rows, asked);
    });
}

void Webhooks::Impl::take(const std::string& id, const Result<Rows>& rows, std::size_t asked) {
    auto* hook = find(id);
    if (hook == nullptr) return;
    hook->is_busy = false;
    if (!rows.has_value()) return on_failure(*hook, "the log: " + rows.error().message);
    hook->is_behind = rows.value().size() == asked;
    if (rows.value().empty()) return;
    const auto first = rows.value().front().number, last = rows.value().back().number;
    hook->batch = Batch{id + "-" + std::to_string(first) + "-" + std::to_string(last),
                        body_of(rows.value(), options.wall_time()), last, rows.value().size()};
    send(*hook);
}

void Webhooks::Impl::send(Hook& hook) {
    hook.is_busy = true;
    const auto& batch = *hook.batch;
    const auto timestamp = std::to_string(options.wall_time().unix_ms / 1000);
    net::ClientRequest request{"POST",
                               hook.url,
                               {{"Content-Type", "application/json"},
                                {"User-Agent", "sluice/" SLUICE_VERSION},
                                {"webhook-id", batch.id},
                                {"webhook-timestamp", timestamp},
                                {"webhook-signature", webhook_signature(hook.row.secret, batch.id,
                                                                        timestamp, batch.body)}},
                               batch.body};
    hook.client.send(std::move(request),
                     [weak = weak_from_this(), id = hook.row.id](const auto& answer) {
                         if (const auto self = weak.lock()) self->on_answer(id, answer);
                     });
}

void Webhooks::Impl::on_answer(const std::string& id,
                               const Result<net::ClientAnswer, net::ClientError>& answer) {
    auto* hook = find(id);
    if (hook == nullptr) return;
    hook->is_busy = false;
    if (!answer.has_value()) return on_failure(*hook, answer.error().why);
    const auto status = answer.value().status;
    if (status / 100 != 2)
        return on_failure(*hook, hook->url.authority() + ": answered " + std::to_string(status));
    on_taken(*hook);
}

void Webhooks::Impl::on_taken(Hook& hook) {
    if (hook.standing.failures > 0 && options.log)
        options.log("webhook " + hook.row.id + " is taken again after " +
                    std::to_string(hook.standing.failures) + " failures");
    delivered += hook.batch->events;
    hook.row.delivered = hook.batch->last;
    hook.batch.reset();
    hook.standing = {};
    hook.next_try = {};
    write_place(hook, LogPace::now());
    if (hook.is_behind) read(hook);
}

void Webhooks::Impl::on_failure(Hook& hook, const std::string& why) {
    ++failed;
    auto& standing = hook.standing;
    if (standing.failures == 0 && options.log) options.log("webhook " + hook.row.id + ": " + why);
    standing.last_failure = why;
    const auto doublings = std::min<std::uint64_t>(standing.failures++, 20);
    const auto pause =
        std::min(options.limits.first_pause * (1 << doublings), options.limits.longest_pause);
    hook.next_try = LogPace::now() + pause;
    const auto pause_ms = std::chrono::duration_cast<std::chrono::milliseconds>(pause).count();
    standing.next_try = {options.wall_time().unix_ms + pause_ms};
}

void Webhooks::Impl::write_place(Hook& hook, Instant now) {
    if (hook.written_number == hook.row.delivered) return;
    if (now - hook.written < options.limits.write_each) return;
    hook.written = now;
    hook.written_number = hook.row.delivered;
    options.write({hook.row});
}

// --- from outside -----------------------------------------------------------------------------

Webhooks::Webhooks(boost::asio::io_context& io, net::ClientTls& tls, WebhookOptions options)
    : impl_(std::make_shared<Impl>(io, tls, std::move(options))) {}
Webhooks::~Webhooks() = default;

Result<void> Webhooks::check(std::string_view url, const std::vector<std::string>& kinds) const {
    const auto parsed = net::parse_url(url);
    if (!parsed.has_value()) return Error{"url: " + parsed.error().message};
    const bool may_be_plain =
        impl_->options.allows_plain_http || is_own_machine(parsed.value().host);
    if (!parsed.value().is_tls && !may_be_plain)
        return Error{"url: must be https, but for this machine's own"};
    for (std::size_t i = 0; i < kinds.size(); ++i)
        if (std::ranges::find(event_kinds(), kinds[i]) == event_kinds().end())
            return Error{"kinds[" + std::to_string(i) + "]: no event is of the kind '" + kinds[i] +
                         "'"};
    return success();
}

bool Webhooks::is_full() const {
    return impl_->all.size() >= impl_->options.limits.hooks;
}

void Webhooks::keep(service::WebhookRow row) {
    if (row.is_gone) {
        impl_->all.erase(row.id);
        return;
    }
    auto url = net::parse_url(row.url);
    if (!url.has_value()) return;  // of a release that took what this one does not
    net::HttpClientOptions options;
    options.body_bytes = kAnswer;
    options.answer_timeout = impl_->options.limits.answer_timeout;
    auto id = row.id;
    auto hook = std::make_unique<Impl::Hook>(impl_->io, impl_->tls, std::move(row),
                                             std::move(url).value(), options);
    hook->written_number = hook->row.delivered;
    impl_->all.insert_or_assign(std::move(id), std::move(hook));
    impl_->pace.start();
}

const service::WebhookRow* Webhooks::find(std::string_view id) const {
    const auto* hook = impl_->find(id);
    return hook == nullptr ? nullptr : &hook->row;
}

WebhookStanding Webhooks::standing(std::string_view id) const {
    const auto* hook = impl_->find(id);
    return hook == nullptr ? WebhookStanding{} : hook->standing;
}

std::vector<const service::WebhookRow*> Webhooks::all() const {
    std::vector<const service::WebhookRow*> out;
    for (const auto& [id, hook] : impl_->all) out.push_back(&hook->row);
    return out;
}

void Webhooks::wake() {
    impl_->pace.wake();
}

std::uint64_t Webhooks::delivered() const {
    return impl_->delivered;
}
std::uint64_t Webhooks::failed() const {
    return impl_->failed;
}

}  // namespace sluice::rest
