#pragma once
// The inside of the REST server: its routes, one function each, spread over the files of this
// folder by what they are about. Inside acs-plugin/rest only.

#include <algorithm>
#include <map>
#include <nlohmann/json_fwd.hpp>

#include "acs-plugin/rest/access.hpp"
#include "acs-plugin/rest/device_csv.hpp"
#include "acs-plugin/rest/event_streams.hpp"
#include "acs-plugin/rest/idempotency.hpp"
#include "acs-plugin/rest/problem.hpp"
#include "acs-plugin/rest/publishing.hpp"
#include "acs-plugin/rest/rest_server.hpp"
#include "acs-plugin/rest/target.hpp"
#include "acs-plugin/rest/views_json.hpp"
#include "acs-plugin/rest/webhooks.hpp"

namespace sluice::upgrade::acs {
struct Answer;
struct UpgradeView;
}  // namespace sluice::upgrade::acs

namespace sluice::rest {

// Whom an answer goes to. Outlives the request.
struct Caller {
    net::ExchangeId id;
    std::string who;
    KeyedRequest keyed;
    bool is_repeat = false;  // of a keyed request that was done; only to Repeat::decided_anew
};

// What a route's function is given.
struct Call {
    const net::HttpRequest& request;
    const Target& target;
    Caller caller;
    std::string subject;  // the segment that the route leaves open; empty: none
    Page page;
};

// What a request's body must be.
// Of judged_json the route itself says whether it is JSON at all (refuse_body).
enum class BodyKind : std::uint8_t { none, json, judged_json, csv, bytes };

// What a keyed request gets that comes again.
enum class Repeat : std::uint8_t {
    answered,      // its first answer
    decided_anew,  // what is to be said now; what it told is not heard twice
};

struct RestServer::Impl final : net::HttpHandler, std::enable_shared_from_this<Impl> {
    Impl(boost::asio::io_context& io, service::Planner& p, origin::Shelf& s, RestOptions o);

    void on_request(const net::HttpRequest& request, net::ExchangeId id) override;
    void on_sent(net::ExchangeId id, std::uint32_t) override;
    void on_closed(net::ExchangeId id) override;
    std::optional<net::HttpResponse> refusal(unsigned status) const override {
        return problem_of_no_request(status);
    }

    struct Route {
        std::string_view method;
        std::vector<std::string_view> path;  // below /api/v1; "{}" stands for any one segment
        Role least;
        BodyKind body;
        void (Impl::*run)(const Call& call);
        Repeat repeat = Repeat::answered;
    };
    static const std::vector<Route>& routes();

    // rest_server.cpp: what stands before a route
    bool serve_watchers(const net::HttpRequest& request, const Target& target,
                        const Caller& caller);
    void dispatch(const net::HttpRequest& request, const Target& target, const Requester& requester,
                  Caller caller);
    // Of a path that some method has: null, and `allowed` says which ones.
    const Route* find_route(std::string_view method, const std::vector<std::string>& path,
                            std::string& subject, std::string& allowed) const;
    std::optional<net::HttpResponse> judge_body(const net::HttpRequest& request,
                                                BodyKind kind) const;
    bool is_to_be_done(Caller& caller, Repeat repeat);

    // rest_images.cpp
    void list_images(const Call& call);
    void announce_image(const Call& call);
    void show_image(const Call& call);
    void put_content(const Call& call);
    void answer_published(const Caller& caller, const service::ImageRow& row);
    void publish(const Caller& caller, const Standing& standing);
    void record(const Caller& caller, const std::string& id);

    // rest_fleet.cpp
    void list_devices(const Call& call);
    void show_device(const Call& call);
    void erase_device(const Call& call);
    void import_devices(const Call& call);
    void list_groups(const Call& call);
    void show_group(const Call& call);
    void list_sites(const Call& call);
    void import_sites(const Call& call);
    void take_sites(const Caller& caller, const std::vector<service::SiteImportRow>& sites);
    void continue_export(net::ExchangeId id);
    void continue_export_later(net::ExchangeId id);

    // rest_rollouts.cpp
    void list_rollouts(const Call& call);
    void start_rollout(const Call& call);
    void show_rollout(const Call& call);
    void list_rollout_devices(const Call& call);
    void answer_parts(const Caller& caller, std::size_t limit,
                      const std::vector<service::RolloutDeviceRow>& rows);
    void list_rollout_sites(const Call& call);
    void pause(const Call& call) { turn(call, &service::Planner::pause, "paused"); }
    void resume(const Call& call) { turn(call, &service::Planner::resume, "resumed"); }
    void cancel(const Call& call) { turn(call, &service::Planner::cancel, "aborted"); }
    void retry(const Call& call) { turn(call, &service::Planner::retry, "retried"); }
    void release(const Call& call);
    using Turn = Result<void> (service::Planner::*)(std::string_view, const service::Act&,
                                                    service::Changes&);
    void turn(const Call& call, Turn order, const char* word);

    // rest_operation.cpp
    void show_policy(const Call& call);
    void put_policy(const Call& call);
    void list_events(const Call& call);
    void list_audit(const Call& call);
    void answer_events(const Caller& caller, const service::EventQuery& query, const char* name);
    void list_tokens(const Call& call);
    void create_token(const Call& call);
    void revoke_token(const Call& call);
    void list_webhooks(const Call& call);
    void show_webhook(const Call& call);
    void create_webhook(const Call& call);
    void delete_webhook(const Call& call);

    // rest_upgrades.cpp
    void list_upgrades(const Call& call);
    void show_upgrade(const Call& call);
    void answer_upgrade(const Call& call);
    void correct_upgrade(const Call& call);
    std::optional<upgrade::acs::UpgradeView> upgrade_of(const Call& call);
    void take_answer(const Call& call, const upgrade::acs::Answer& answer);

    // rest_backups.cpp
    void list_backups(const Call& call);
    void show_backup(const Call& call);
    void show_content(const Call& call);
    void restore_backup(const Call& call);
    void delete_backup(const Call& call);
    void show_rotation(const Call& call);
    void rotate_backups(const Call& call);
    void answer_rotation(const Caller& caller, unsigned status);
    void with_backup(const Call& call,
                     std::function<void(Caller caller, const service::BackupRow& row)> then);

    // rest_exchange.cpp
    void take_contact(const Call& call);
    void take_contacts(const Call& call);
    void give_calls(const Call& call);
    void refuse_body(const Call& call, const Error& error);
    // Durable first; then the answer as it is made then.
    void commit_contacts(const Caller& caller, service::Changes changes,
                         std::function<net::HttpResponse()> make_answer);

    service::Act act_of(const Caller& caller) const { return {options.wall_time(), caller.who}; }
    // Durable first, with a line of the audit, and what a keyed request was answered; then the
    // answer, and `durable` where there is one.
    void commit(const Caller& caller, service::Changes changes, const std::string& what,
                net::HttpResponse answer, std::function<void()> durable = {});
    // The same where the answer holds a secret: `kept` is the body that a request that comes again
    // gets.
    void commit_secret(const Caller& caller, service::Changes changes, const std::string& what,
                       net::HttpResponse answer, std::string kept, std::function<void()> durable);
    void commit_as(const Caller& caller, service::Changes changes, const std::string& what,
                   net::HttpResponse answer, const net::HttpResponse& kept,
                   std::function<void()> durable);
    // The answer of what changed nothing.
    void reply(const Caller& caller, const net::HttpResponse& response);
    void answer(const Caller& caller, unsigned status, const nlohmann::ordered_json& json);
    void refuse(const Caller& caller, unsigned status, std::string_view detail) {
        reply(caller, problem(status, detail));
    }
    // Whether If-Match, where there is one, names the tag; else it refuses.
    bool is_match(const Call& call, const std::string& etag);
    void count(unsigned status) { ++counters.answers[std::min(status / 100, 5u)]; }

    boost::asio::io_context& io;
    RestOptions options;  // without its rows
    service::Planner& planner;
    Access access;
    IdempotencyBook keys;
    Publishing publishing;
    RestCounters counters;
    std::map<net::ExchangeId, DeviceExport> exports;
    std::uint16_t first_port = 0;
    net::HttpServer http;
    EventStreams streams;
    std::unique_ptr<Webhooks> webhooks;  // none without client_tls
};

// One page of things that are in order of `key_of`: `limit` of them, and where to go on if there
// are more.
template <class Things, class KeyOf, class ToJson>
std::string page_text(const char* name, const Things& things, std::size_t limit, KeyOf key_of,
                      ToJson to_json_of) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < std::min(things.size(), limit); ++i)
        texts.push_back(dump(to_json_of(things[i])));
    const bool is_last = things.size() <= limit;
    return joined_page(name, texts, is_last ? std::string() : key_of(things[limit - 1]));
}

// Of a whole list what comes after `after`, one more than the page so that its end is known.
template <class Things, class KeyOf>
Things rest_of(Things things, const Page& page, KeyOf key_of) {
    std::ranges::sort(things, {}, key_of);
    std::erase_if(things, [&](const auto& each) { return key_of(each) <= page.after; });
    if (things.size() > page.limit + 1)
        things.erase(things.begin() + static_cast<std::ptrdiff_t>(page.limit + 1), things.end());
    return things;
}

// A strong tag of a text.
std::string etag_of(std::string_view text);
// The tag of what an operator may change about it: its state and spec, not its progress.
std::string etag_of(const service::RolloutView& rollout);

}  // namespace sluice::rest
