#pragma once
// The inside of the REST server: its routes, one function each, spread over the files of this
// folder by what they are about. Inside acs-plugin/rest only.

#include <algorithm>
#include <nlohmann/json_fwd.hpp>

#include "acs-plugin/rest/problem.hpp"
#include "acs-plugin/rest/publishing.hpp"
#include "acs-plugin/rest/rest_server.hpp"
#include "acs-plugin/rest/target.hpp"
#include "acs-plugin/rest/views_json.hpp"

namespace sluice::rest {

// What a route's function is given.
struct Call {
    const net::HttpRequest& request;
    net::ExchangeId id;
    const Target& target;
    std::string subject;  // the segment that the route leaves open; empty: none
    Page page;
};

struct RestServer::Impl final : net::HttpHandler, std::enable_shared_from_this<Impl> {
    Impl(boost::asio::io_context& io, service::Planner& p, origin::Shelf& s, RestOptions o)
        : options(std::move(o)),
          planner(p),
          publishing(io, s),
          http(io, *this, options.http, options.log, options.tls) {}

    void on_request(const net::HttpRequest& request, net::ExchangeId id) override;
    void on_sent(net::ExchangeId, std::uint32_t) override {}
    void on_closed(net::ExchangeId) override {}

    struct Route {
        std::string_view method;
        std::vector<std::string_view> path;  // below /api/v1; "{}" stands for any one segment
        void (Impl::*run)(const Call& call);
    };
    static const std::vector<Route>& routes();

    void list_images(const Call& call);
    void announce_image(const Call& call);
    void show_image(const Call& call);
    void put_content(const Call& call);
    void list_devices(const Call& call);
    void show_device(const Call& call);
    void list_groups(const Call& call);
    void show_group(const Call& call);
    void list_rollouts(const Call& call);
    void start_rollout(const Call& call);
    void show_rollout(const Call& call);
    void list_rollout_devices(const Call& call);
    void pause(const Call& call) { turn(call, &service::Planner::pause, "paused"); }
    void resume(const Call& call) { turn(call, &service::Planner::resume, "resumed"); }
    void cancel(const Call& call) { turn(call, &service::Planner::cancel, "cancelled"); }
    void import_sites(const Call& call);
    void list_audit(const Call& call);

    using Turn = Result<void> (service::Planner::*)(std::string_view, service::WallTime,
                                                    service::Changes&);
    void turn(const Call& call, Turn order, const char* word);
    void answer_published(net::ExchangeId id, const service::ImageRow& row);
    void publish(net::ExchangeId id, const std::string& who, const Standing& standing);
    // Durable first, then the answer that `answer_of` makes by then.
    void commit(net::ExchangeId id, service::Changes changes, const std::string& who,
                const std::string& what, std::function<net::HttpResponse()> answer_of);
    // Without a line of the audit.
    void commit(net::ExchangeId id, service::Changes changes,
                std::function<net::HttpResponse()> answer_of);
    void answer(net::ExchangeId id, unsigned status, const nlohmann::ordered_json& json);
    void refuse(net::ExchangeId id, unsigned status, std::string_view detail) {
        http.answer(id, problem(status, detail));
    }

    const RestOptions options;
    service::Planner& planner;
    Publishing publishing;
    std::uint16_t first_port = 0;
    net::HttpServer http;
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

}  // namespace sluice::rest
