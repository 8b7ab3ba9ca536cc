#include "acs-plugin/cli/api_client.hpp"

#include <CLI/CLI.hpp>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "acs-plugin/cli/terminal.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxToken = 4096;
constexpr std::size_t kPage = 1000;
constexpr std::size_t kMaxAnswer = 64 * 1024 * 1024;
constexpr char kPrefix[] = "/api/v1/";

Result<std::string> token_of(const Path& file) {
    if (file.empty()) return std::string();
    SLUICE_TRY(auto text, read_file(file, kMaxToken));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    if (text.empty()) return Error{file.string() + ": is empty"};
    return text;
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

    std::string url;
    httplib::Client http;
    std::string token;
};

Result<Json, ApiFault> ApiClient::Impl::send(httplib::Request request) {
    request.path = kPrefix + request.path;
    if (!token.empty()) request.headers.emplace("Authorization", "Bearer " + token);
    std::string body;
    request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t,
                                   std::uint64_t) {
        body.append(data, size);
        return body.size() <= kMaxAnswer;
    };
    auto result = http.send(request);
    if (!result) {
        const auto why = httplib::to_string(result.error());
        return ApiFault{url + ": no answer (" + why + ")", 0, 0, false};
    }
    result->body = std::move(body);
    if (result->status / 100 != 2) return fault_of(url, *result);
    auto json = Json::parse(result->body, nullptr, false);
    if (json.is_discarded()) return ApiFault{url + ": the answer is not the API's", 1, 0, false};
    return json;
}

Result<ApiClient> ApiClient::open(const ApiOptions& options) {
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

Result<Json, ApiFault> ApiClient::get(const std::string& path) {
    httplib::Request request;
    request.method = "GET";
    request.path = path;
    return impl_->send(std::move(request));
}

Result<Json, ApiFault> ApiClient::post(const std::string& path, const Json& body) {
    httplib::Request request;
    request.method = "POST";
    request.path = path;
    request.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
    request.headers.emplace("Content-Type", "application/json");
    return impl_->send(std::move(request));
}

Result<Json, ApiFault> ApiClient::put(
    const std::string& path, const std::string& bytes,
    const std::vector<std::pair<std::string, std::string>>& fields) {
    httplib::Request request;
    request.method = "PUT";
    request.path = path;
    request.body = bytes;
    request.headers.emplace("Content-Type", "application/octet-stream");
    for (const auto& [name, value] : fields) request.headers.emplace(name, value);
    return impl_->send(std::move(request));
}

Result<Json, ApiFault> ApiClient::list(const std::string& path, const std::string& name,
                                       std::size_t at_most) {
    Json out{{name, Json::array()}};
    auto& all = out[name];
    std::string after;
    while (all.size() < at_most) {
        const auto limit = std::min(kPage, at_most - all.size());
        SLUICE_TRY(auto page, get(path + "?limit=" + std::to_string(limit) +
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
    command.add_option("--api", options->url, "where its REST API is; SLUICE_API")
        ->type_name("URL")
        ->envname("SLUICE_API")
        ->capture_default_str()
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
    return options;
}

}  // namespace sluice::cli
