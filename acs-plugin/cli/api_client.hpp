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

struct ApiOptions {
    std::string url = "http://127.0.0.1:7549";
    Path token_file;  // empty: none
    Path ca_file;     // for https, beside the system's
};
// --api, --token-file, --ca-file; SLUICE_API, SLUICE_TOKEN_FILE, SLUICE_CA_FILE.
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

    // `path` below /api/v1, encoded.
    Result<nlohmann::ordered_json, ApiFault> get(const std::string& path);
    Result<nlohmann::ordered_json, ApiFault> post(const std::string& path,
                                                  const nlohmann::ordered_json& body);
    Result<nlohmann::ordered_json, ApiFault> put(
        const std::string& path, const std::string& bytes,
        const std::vector<std::pair<std::string, std::string>>& fields);
    // All pages of a list, at most `at_most` of its things: {"<name>": […]}.
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
