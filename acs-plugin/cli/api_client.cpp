#include "acs-plugin/cli/api_client.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <filesystem>
#include <httplib.h>
#include <nlohmann/json.hpp>
#include <random>

#include "acs-plugin/cli/terminal.hpp"
#include "engine/net/config_file.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxToken = 4096;
constexpr std::size_t kPage = 1000;
constexpr std::size_t kMaxAnswer = 64 * 1024 * 1024;
constexpr char kPrefix[] = "/api/v1/";
constexpr char kUsualUrl[] = "http://127.0.0.1:7549";
constexpr char kUsualConfig[] = "/etc/sluice/sluice.toml";
constexpr int kTries = 3;  // of a POST whose answer was lost

Result<std::string> token_of(const Path& file) {
    if (file.empty()) return std::string();
    SLUICE_TRY(auto text, read_file(file, kMaxToken));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (text.empty()) return Error{file.string() + ": is empty"};
    return text;
}

// What was not said by flag or environment: the file's, then the default.
Result<ApiOptions> complete(ApiOptions options) {
    static constexpr std::string_view kKeys[] = {"api", "token-file", "ca-file"};
    auto path = options.config;
    std::error_code ignored;
    if (path.empty() && std::filesystem::exists(kUsualConfig, ignored)) path = kUsualConfig;
    if (!path.empty()) {
        SLUICE_TRY(auto file, net::read_config(path, kKeys));
        if (options.url.empty()) options.url = file["api"];
        if (options.token_file.empty()) options.token_file = file["token-file"];
        if (options.ca_file.empty()) options.ca_file = file["ca-file"];
    }
    if (options.url.empty()) options.url = kUsualUrl;
    return options;
}

std::string new_key() {
    std::random_device random;
    std::string out;
    for (int i = 0; i < 4; ++i) {
        std::array<char, 9> part{};
        std::snprintf(part.data(), part.size(), "%08x", random());
        out += part.data();
    }
    return out;
}

// What the API says is wrong, or what its status does.
ApiFault fault_of(const std::string& url, const httplib::Response& answer) {
    ApiFault out;
    out.status = static_cast<unsigned>(answer.status);
    const auto problem = Json::parse(answer.body, nullptr, false);
    if (problem.is_object() && problem.contains("detail") && problem["detail"].is_string())
        out.message = printable(problem["detail"].get<std::string>());
    else
        out.message = url + ": answered " + std::to_string(answer.status);
    if (answer.status == 401) out.message = url + ": wants a token; give --token-file";
    if (answer.has_header("Upload-Offset")) {
        const auto offset = answer.get_header_value("Upload-Offset");
        out.has_upload_offset = true;
        out.upload_offset = std::strtoull(offset.c_str(), nullptr, 10);
    }
    return out;
}

}  // namespace

struct ApiClient::Impl {
    explicit Impl(const std::string& its_url) : url(its_url), http(its_url) {}

    Result<Json, ApiFault> send(httplib::Request request);
    // The body goes to `take` where it is no problem's. `is_lost` where the answer was.
    Result<void, ApiFault> exchange(httplib::Request& request,
                                    const std::function<bool(std::string_view)>& take,
                                    bool* is_lost = nullptr);

    std::string url;
    httplib::Client http;
    std::string token;
    std::string etag;
};

Result<void, ApiFault> ApiClient::Impl::exchange(httplib::Request& request,
                                                 const std::function<bool(std::string_view)>& take,
                                                 bool* is_lost) {
    if (!token.empty()) request.headers.emplace("Authorization", "Bearer " + token);
    bool is_good = false, is_enough = false;
    std::string problem;
    request.response_handler = [&](const httplib::Response& answer) {
        is_good = answer.status / 100 == 2;
        return true;
    };
    request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t,
                                   std::uint64_t) {
        if (is_good) return !(is_enough = !take({data, size}));
        problem.append(data, size);
        return problem.size() <= kMaxAnswer;
    };
    const auto result = http.send(request);
    if (!result && is_enough) return success();
    if (!result) {
        if (is_lost != nullptr) *is_lost = result.error() == httplib::Error::Read;
        return ApiFault{url + ": no answer (" + httplib::to_string(result.error()) + ")", 0, 0,
                        false};
    }
    etag = result->get_header_value("ETag");
    if (result->status / 100 == 2) return success();
    httplib::Response answer = *result;
    answer.body = std::move(problem);
    return fault_of(url, answer);
}

Result<Json, ApiFault> ApiClient::Impl::send(httplib::Request request) {
    request.path = kPrefix + request.path;
    const bool may_repeat = request.has_header("Idempotency-Key");
    for (int tries = 1;; ++tries) {
        auto once = request;
        std::string body;
        bool is_lost = false;
        const auto done = exchange(
            once,
            [&](std::string_view part) {
                body += part;
                return body.size() <= kMaxAnswer;
            },
            &is_lost);
        if (!done.has_value() && is_lost && may_repeat && tries < kTries) continue;
        if (!done.has_value()) return done.error();
        if (body.empty()) return Json::object();
        auto json = Json::parse(body, nullptr, false);
        if (json.is_discarded())
            return ApiFault{url + ": the answer is not the API's", 1, 0, false};
        return json;
    }
}

Result<ApiClient> ApiClient::open(const ApiOptions& said) {
    SLUICE_TRY(const auto options, complete(said));
    if (!options.url.starts_with("http://") && !options.url.starts_with("https://"))
        return Error{"--api: '" + options.url + "' is not an http or https URL"};
    SLUICE_TRY(auto token, token_of(options.token_file));
    auto url = options.url;
    while (url.ends_with('/')) url.pop_back();
    auto impl = std::make_unique<Impl>(url);
    if (!impl->http.is_valid()) return Error{"--api: '" + options.url + "' names no server"};
    impl->token = std::move(token);
    impl->http.set_keep_alive(true);
    impl->http.set_connection_timeout(10);
    impl->http.set_read_timeout(120);  // a large image is verified and synced before its answer
    impl->http.set_write_timeout(60);
    if (!options.ca_file.empty()) impl->http.set_ca_cert_path(options.ca_file.c_str());
    return ApiClient(std::move(impl));
}

ApiClient::ApiClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ApiClient::ApiClient(ApiClient&&) noexcept = default;
ApiClient::~ApiClient() = default;

const std::string& ApiClient::etag() const {
    return impl_->etag;
}

Result<Json, ApiFault> ApiClient::get(const std::string& path) {
    httplib::Request request;
    request.method = "GET";
    request.path = path;
    return impl_->send(std::move(request));
}

Result<void, ApiFault> ApiClient::remove(const std::string& path) {
    httplib::Request request;
    request.method = "DELETE";
    request.path = path;
    const auto done = impl_->send(std::move(request));
    if (!done.has_value()) return done.error();
    return success();
}

Result<void, ApiFault> ApiClient::stream(const std::string& path, const Fields& fields,
                                         const std::function<bool(std::string_view)>& take) {
    httplib::Request request;
    request.method = "GET";
    request.path = kPrefix + path;
    for (const auto& [name, value] : fields) request.headers.emplace(name, value);
    return impl_->exchange(request, take);
}

Result<Json, ApiFault> ApiClient::post(const std::string& path, const Json& body) {
    return post_text(path, body.dump(-1, ' ', false, Json::error_handler_t::replace),
                     "application/json");
}

Result<Json, ApiFault> ApiClient::post_text(const std::string& path, const std::string& body,
                                            const std::string& type) {
    httplib::Request request;
    request.method = "POST";
    request.path = path;
    request.body = body;
    request.headers.emplace("Content-Type", type);
    request.headers.emplace("Idempotency-Key", new_key());
    return impl_->send(std::move(request));
}

Result<Json, ApiFault> ApiClient::put(const std::string& path, const std::string& bytes,
                                      const Fields& fields) {
    httplib::Request request;
    request.method = "PUT";
    request.path = path;
    request.body = bytes;
    for (const auto& [name, value] : fields) request.headers.emplace(name, value);
    if (!request.has_header("Content-Type"))
        request.headers.emplace("Content-Type", "application/octet-stream");
    return impl_->send(std::move(request));
}

Result<Json, ApiFault> ApiClient::list(const std::string& path, const std::string& name,
                                       std::size_t at_most) {
    Json out{{name, Json::array()}};
    auto& all = out[name];
    std::string after;
    while (all.size() < at_most) {
        const auto limit = std::min(kPage, at_most - all.size());
        const auto* mark = path.find('?') == std::string::npos ? "?" : "&";
        SLUICE_TRY(auto page, get(path + mark + "limit=" + std::to_string(limit) +
                                  (after.empty() ? "" : "&after=" + encoded(after))));
        if (!page.is_object() || !page.contains(name) || !page[name].is_array())
            return ApiFault{impl_->url + ": the answer is not the API's", 1, 0, false};
        for (auto& each : page[name]) all.push_back(std::move(each));
        if (!page.contains("next") || !page["next"].is_string()) break;
        after = page["next"].get<std::string>();
    }
    return out;
}

Error to_error(const ApiFault& fault) {
    return Error{fault.message};
}

std::string encoded(std::string_view segment) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : segment) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_plain = std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.';
        if (is_plain) {
            out += c;
        } else {
            out += '%';
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
        }
    }
    return out;
}

std::string text_in(const Json& json, const char* key) {
    const auto at = json.find(key);
    return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::uint64_t number_in(const Json& json, const char* key) {
    const auto at = json.find(key);
    return at != json.end() && at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
}

std::optional<double> real_in(const Json& json, const char* key) {
    const auto at = json.find(key);
    if (at == json.end() || !at->is_number()) return std::nullopt;
    return at->get<double>();
}

std::shared_ptr<ApiOptions> add_api_options(CLI::App& command) {
    const auto options = std::make_shared<ApiOptions>();
    const auto group = "The ACS";
    command
        .add_option("--api", options->url,
                    "where its REST API is; SLUICE_API (http://127.0.0.1:7549)")
        ->type_name("URL")
        ->envname("SLUICE_API")
        ->group(group);
    command.add_option("--token-file", options->token_file, "the API's token; SLUICE_TOKEN_FILE")
        ->type_name("FILE")
        ->envname("SLUICE_TOKEN_FILE")
        ->group(group);
    command
        .add_option("--ca-file", options->ca_file,
                    "who vouches for its certificate; SLUICE_CA_FILE")
        ->type_name("FILE")
        ->envname("SLUICE_CA_FILE")
        ->group(group);
    command
        .add_option("--config", options->config,
                    "says api, token-file and ca-file; SLUICE_CONFIG\n(/etc/sluice/sluice.toml)")
        ->type_name("FILE")
        ->envname("SLUICE_CONFIG")
        ->group(group);
    return options;
}

}  // namespace sluice::cli
