#pragma once
// The REST API as commands use it: one call, one answer, or one line that says why not. A problem
// the API names comes out in its own words.

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "acs-plugin/cli/files.hpp"
#include "engine/base/result.hpp"

namespace CLI {
class App;
}

namespace sluice::cli {

// Empty: not said; then the configuration file's, then the default.
struct ApiOptions {
    std::string url;
    Path token_file;  // none: no token
    Path ca_file;     // for https, beside the system's
    Path config;  // keys api, token-file, ca-file; none: /etc/sluice/sluice.toml, if it is there
};
// --api, --token-file, --ca-file, --config; SLUICE_API, SLUICE_TOKEN_FILE, SLUICE_CA_FILE,
// SLUICE_CONFIG.
std::shared_ptr<ApiOptions> add_api_options(CLI::App& command);

struct ApiFault {
    std::string message;
    unsigned status = 0;              // 0: no answer came
    std::uint64_t upload_offset = 0;  // of a 409 to a portion
    bool has_upload_offset = false;
};

class ApiClient {
public:
    // Reads the token; errors name its file or the URL.
    static Result<ApiClient> open(const ApiOptions& options);
    ApiClient(ApiClient&&) noexcept;
    ~ApiClient();

    using Fields = std::vector<std::pair<std::string, std::string>>;

    // `path` below /api/v1, encoded.
    Result<nlohmann::ordered_json, ApiFault> get(const std::string& path);
    // Sent again where its answer was lost: it has an idempotency key.
    Result<nlohmann::ordered_json, ApiFault> post(const std::string& path,
                                                  const nlohmann::ordered_json& body);
    Result<nlohmann::ordered_json, ApiFault> post_text(const std::string& path,
                                                       const std::string& body,
                                                       const std::string& type);
    Result<void, ApiFault> remove(const std::string& path);
    // A body of any kind, in parts as they come, until it ends or `take` says false.
    Result<void, ApiFault> stream(const std::string& path, const Fields& fields,
                                  const std::function<bool(std::string_view)>& take);
    Result<nlohmann::ordered_json, ApiFault> put(const std::string& path, const std::string& bytes,
                                                 const Fields& fields);
    // The ETag of the last answer; empty: it had none.
    const std::string& etag() const;
    // All pages of a list, at most `at_most` of its things: {"<name>": […]}. `path` may have a
    // query.
    Result<nlohmann::ordered_json, ApiFault> list(const std::string& path, const std::string& name,
                                                  std::size_t at_most);

private:
    struct Impl;
    explicit ApiClient(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

Error to_error(const ApiFault& fault);
// One segment of a path, percent-encoded.
std::string encoded(std::string_view segment);

// A member of an answer; empty, 0 or nothing where it is not there or of another kind.
std::string text_in(const nlohmann::ordered_json& json, const char* key);
std::uint64_t number_in(const nlohmann::ordered_json& json, const char* key);
std::optional<double> real_in(const nlohmann::ordered_json& json, const char* key);

}  // namespace sluice::cli
