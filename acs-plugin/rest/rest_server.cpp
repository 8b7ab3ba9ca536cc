#include "acs-plugin/rest/rest_server.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "acs-plugin/rest/requester.hpp"
#include "acs-plugin/rest/rest_api.hpp"
#include "acs-plugin/rest/views_json.hpp"

namespace sluice::rest {

net::HttpServerLimits usual_limits() {
    net::HttpServerLimits out;
    out.body_bytes = kMaxPortion;
    out.head_timeout = std::chrono::seconds(60);
    out.connections = 64;
    return out;
}

// --- requests ---------------------------------------------------------------------------------

const std::vector<RestServer::Impl::Route>& RestServer::Impl::routes() {
    static const std::vector<Route> all{
        {"GET", {"images"}, &Impl::list_images},
        {"POST", {"images"}, &Impl::announce_image},
        {"GET", {"images", "{}"}, &Impl::show_image},
        {"PUT", {"images", "{}", "content"}, &Impl::put_content},
        {"GET", {"devices"}, &Impl::list_devices},
        {"GET", {"devices", "{}"}, &Impl::show_device},
        {"GET", {"groups"}, &Impl::list_groups},
        {"GET", {"groups", "{}"}, &Impl::show_group},
        {"GET", {"rollouts"}, &Impl::list_rollouts},
        {"POST", {"rollouts"}, &Impl::start_rollout},
        {"GET", {"rollouts", "{}"}, &Impl::show_rollout},
        {"GET", {"rollouts", "{}", "devices"}, &Impl::list_rollout_devices},
        {"POST", {"rollouts", "{}", "pause"}, &Impl::pause},
        {"POST", {"rollouts", "{}", "resume"}, &Impl::resume},
        {"POST", {"rollouts", "{}", "cancel"}, &Impl::cancel},
        {"POST", {"sites"}, &Impl::import_sites},
        {"GET", {"audit"}, &Impl::list_audit},
    };
    return all;
}

void RestServer::Impl::on_request(const net::HttpRequest& request, net::ExchangeId id) {
    const auto target = parse_target(request.target());
    if (!target) return refuse(id, 400, "the request's target cannot be read");
    const bool is_ours =
        target->path.size() >= 3 && target->path[0] == "api" && target->path[1] == "v1";
    if (!is_ours) return refuse(id, 404, "the API is below /api/v1/");
    const std::vector<std::string> path(target->path.begin() + 2, target->path.end());
    // For those who watch processes: says nothing, asks for nothing.
    if (path.size() == 1 && path[0] == "health") return answer(id, 200, {{"status", "ok"}});
    if (const auto fault = judge_requester(request, options.token))
        return refuse(id, fault->status, fault->why);
    const auto page = page_of(*target);
    if (!page) return refuse(id, 400, "limit: is not within 1 to 1000");
    std::string allowed;
    for (const auto& route : routes()) {
        if (route.path.size() != path.size()) continue;
        std::string subject;
        bool is_match = true;
        for (std::size_t i = 0; i < path.size(); ++i) {
            if (route.path[i] == "{}")
                subject = path[i];
            else
                is_match = is_match && route.path[i] == path[i];
        }
        if (!is_match) continue;
        if (route.method == request.method())
            return (this->*route.run)({request, id, *target, subject, *page});
        allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
    }
    if (allowed.empty()) return refuse(id, 404, "there is no such resource");
    auto refusal = problem(405, "this resource takes " + allowed);
    refusal.fields.emplace_back("Allow", allowed);
    http.answer(id, refusal);
}

void RestServer::Impl::commit(net::ExchangeId id, service::Changes changes, const std::string& who,
                              const std::string& what,
                              std::function<net::HttpResponse()> answer_of) {
    service::EventRow said;
    said.at = options.wall_time();
    said.kind = "api.call";
    said.who = who;
    said.why = what;
    changes.emplace_back(std::move(said));
    commit(id, std::move(changes), std::move(answer_of));
}

void RestServer::Impl::commit(net::ExchangeId id, service::Changes changes,
                              std::function<net::HttpResponse()> answer_of) {
    options.commit(std::move(changes),
                   [weak = weak_from_this(), id,
                    answer_of = std::move(answer_of)](const Result<void>& written) {
                       const auto self = weak.lock();
                       if (!self) return;
                       if (!written.has_value())
                           return self->refuse(id, 500, "the store: " + written.error().message);
                       self->http.answer(id, answer_of());
                   });
}

void RestServer::Impl::answer(net::ExchangeId id, unsigned status,
                              const nlohmann::ordered_json& json) {
    http.answer(id, json_answer(status, dump(json)));
}

// --- the server -------------------------------------------------------------------------------

Result<std::unique_ptr<RestServer>> RestServer::start(boost::asio::io_context& io,
                                                      service::Planner& planner,
                                                      origin::Shelf& shelf, RestOptions options) {
    auto impl = std::make_shared<Impl>(io, planner, shelf, std::move(options));
    for (const auto& address : impl->options.listen) {
        SLUICE_TRY(const auto port, impl->http.listen(address));
        if (impl->first_port == 0) impl->first_port = port;
    }
    return std::unique_ptr<RestServer>(new RestServer(std::move(impl)));
}

RestServer::RestServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
RestServer::~RestServer() = default;

std::uint16_t RestServer::port() const {
    return impl_->first_port;
}

}  // namespace sluice::rest
