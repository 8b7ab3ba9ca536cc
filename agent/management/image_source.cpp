#include "agent/management/image_source.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "engine/image/manifest.hpp"
#include "engine/planning/assignment_json.hpp"

namespace sluice::agent::management {
namespace {

constexpr std::string_view kAssignmentType = "application/vnd.sluice.assignment.v1+json";
constexpr unsigned kMaxRedirects = 3;

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// The neighbour of a file in its folder. A query belongs to the file alone.
net::Url beside(net::Url url, std::string_view name) {
    url.target = url.target.substr(0, url.target.find('?'));
    url.target = url.target.substr(0, url.target.rfind('/') + 1) + std::string(name);
    return url;
}

// "…/<id>/manifest" as a peer has it, and "<name>.manifest.json" as `sluice image pack` leaves it.
std::vector<net::Url> manifest_places(const net::Url& image) {
    auto path = image.target.substr(0, image.target.find('?'));
    auto name = path.substr(path.rfind('/') + 1);
    if (name.ends_with(".bin")) name.resize(name.size() - 4);
    return {beside(image, "manifest"), beside(image, name + ".manifest.json")};
}

planning::Assignment plain_assignment(const Order& order, const net::Url& image,
                                      const net::Url& manifest_at, std::string envelope,
                                      const image::Manifest& manifest) {
    planning::Assignment out;
    out.short_id = order.command_key;
    out.image = manifest.image;
    out.manifest = std::move(envelope);
    planning::Source source;
    source.kind = planning::SourceKind::origin;
    source.url = image.text();
    if (manifest_at == beside(image, "manifest")) source.layer_url = beside(image, "layer").text();
    source.username = order.username;
    source.password = order.password;
    out.sources.push_back(std::move(source));
    out.budgets.origin_bytes = manifest.layout.length * 2;
    return out;
}

}  // namespace

void ImageSource::ask(const Order& order, const http::Credentials& acs, const std::string& etag,
                      Then then) {
    then_ = std::move(then);
    known_etag_ = etag;
    etag_.clear();
    order_ = order;
    is_plain_ = false;
    redirects_ = 0;
    const bool has_assignment_url = !order.assignment_url.empty();
    auto url = net::parse_url(has_assignment_url ? order.assignment_url : order.url);
    if (!url) {
        boost::asio::post(io_, [this, why = url.error().message] {
            tell(TransferFault{cwmp::FaultCode::invalid_arguments, why});
        });
        return;
    }
    if (const auto image = net::parse_url(order.url)) image_ = image.value();
    // The Download's credentials are for the Download's server.
    const bool is_elsewhere =
        has_assignment_url && !order.url.empty() && !url.value().is_same_endpoint(image_);
    const http::Credentials own{order.username, order.password};
    speak_as(is_elsewhere ? acs : own);
    send(std::move(url).value(), true);
}

void ImageSource::speak_as(http::Credentials who) {
    client_.reset();  // it uses the former ones
    auth_ = std::make_unique<net::ClientAuth>(std::move(who), net::BasicPolicy::over_tls);
    net::HttpClientOptions options;
    options.body_bytes = planning::kMaxAssignmentBytes;
    options.local_address = settings_.local_address;
    client_ = std::make_unique<net::HttpClient>(io_, tls_, *auth_, std::move(options));
}

void ImageSource::cancel() {
    then_ = nullptr;
    client_.reset();
}

void ImageSource::send(net::Url url, bool wants_assignment) {
    asked_ = url;
    net::ClientRequest request;
    request.url = std::move(url);
    if (wants_assignment) {
        request.fields.emplace_back("Accept", std::string(kAssignmentType));
        if (!known_etag_.empty()) request.fields.emplace_back("If-None-Match", known_etag_);
    }
    client_->send(std::move(request), [this](const auto& answer) { on_answer(answer); });
}

void ImageSource::on_answer(const Result<net::ClientAnswer, net::ClientError>& answer) {
    // Something longer than an Assignment: the image itself.
    const bool is_image = !answer && answer.error().fault == net::ClientFault::bad_answer &&
                          order_.assignment_url.empty() && !is_plain_;
    if (is_image) return ask_for_manifest();
    if (!answer) return tell(fault_of(answer.error()));
    const auto& got = answer.value();
    if (is_redirect(got.status) && redirects_++ < kMaxRedirects) return follow(got);
    if (is_plain_) return on_manifest(got);
    if (got.status == 304 && !known_etag_.empty()) {
        etag_ = known_etag_;
        return tell(std::optional<planning::Assignment>());
    }
    if (got.status != 200) return tell(fault_of_status(got.status, asked_.text()));
    if (!got.field("content-type").starts_with(kAssignmentType)) return on_other_answer(got);
    if (!asked_.is_tls && !settings_.is_insecure_lab)
        return tell(
            TransferFault{cwmp::FaultCode::unsupported_protocol,
                          asked_.text() + ": an Assignment holds secrets; not over plain HTTP"});
    auto assignment = planning::parse_assignment(got.body);
    if (!assignment)
        return tell(TransferFault{cwmp::FaultCode::download_failure,
                                  "assignment: " + assignment.error().message});
    etag_ = got.field("etag");
    tell(std::optional(std::move(assignment).value()));
}

void ImageSource::follow(const net::ClientAnswer& answer) {
    auto next = net::resolve(asked_, answer.field("location"));
    if (!next) return tell(TransferFault{cwmp::FaultCode::download_failure, next.error().message});
    // Credentials are for the server that they were given for.
    if (!next.value().is_same_endpoint(asked_)) speak_as({});
    send(std::move(next).value(), !is_plain_);
}

void ImageSource::on_other_answer(const net::ClientAnswer& answer) {
    if (order_.assignment_url.empty()) return ask_for_manifest();
    tell(TransferFault{cwmp::FaultCode::download_failure,
                       asked_.text() + ": not an Assignment but '" +
                           std::string(answer.field("content-type")) + "'"});
}

void ImageSource::ask_for_manifest() {
    if (!is_plain_) {
        is_plain_ = true;
        manifests_ = manifest_places(image_);
    }
    if (manifests_.empty())
        return tell(TransferFault{cwmp::FaultCode::not_authentic,
                                  "no signed manifest beside " + image_.text()});
    auto next = manifests_.front();
    manifests_.erase(manifests_.begin());
    redirects_ = 0;
    send(std::move(next), false);
}

void ImageSource::on_manifest(const net::ClientAnswer& answer) {
    if (answer.status >= 500) return tell(fault_of_status(answer.status, asked_.text()));
    auto read = answer.status == 200 ? image::read_manifest(answer.body)
                                     : image::Refused{image::Reason::malformed, {}};
    if (!read) return ask_for_manifest();
    tell(std::optional(
        plain_assignment(order_, image_, asked_, answer.body, read.value().manifest)));
}

void ImageSource::tell(Answer answer) {
    const auto then = std::exchange(then_, nullptr);
    if (then) then(std::move(answer));
}

}  // namespace sluice::agent::management
