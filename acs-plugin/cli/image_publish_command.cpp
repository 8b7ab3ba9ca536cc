// `sluice image publish`: a packed image, or a configuration file, onto the ACS's origin. Sent in
// portions; a connection that breaks goes on where the ACS stands.

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "acs-plugin/cli/api_client.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/image_command.hpp"
#include "acs-plugin/cli/terminal.hpp"
#include "engine/image/manifest.hpp"
#include "engine/image/sha256.hpp"

namespace sluice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kPortion = 1024 * 1024;
constexpr int kTries = 10;  // of one portion
constexpr auto kBetweenTries = std::chrono::seconds(1);

struct PublishOptions {
    std::shared_ptr<ApiOptions> api;
    Path file;   // the manifest, or with --configuration the file itself
    Path image;  // empty: <name>.bin beside the manifest
    std::string configuration_version;
    bool is_json = false;
};

struct Announcement {
    Json body;
    Path file;
    std::uint64_t length = 0;
};

Result<Announcement> firmware_of(const PublishOptions& options) {
    SLUICE_TRY(const auto envelope, read_file(options.file, image::kMaxEnvelope));
    const auto read = image::read_manifest(envelope);
    if (!read) return image::to_error(read.error()).within(options.file.string());
    const auto& manifest = read.value().manifest;
    Announcement out{{{"manifest", envelope}}, options.image, manifest.layout.length};
    if (out.file.empty()) out.file = options.file.parent_path() / (manifest.name + ".bin");
    SLUICE_TRY(const auto length, length_of(out.file));
    if (length != out.length)
        return Error{out.file.string() + ": has " + std::to_string(length) +
                     " bytes, the manifest says " + std::to_string(out.length)};
    return out;
}

Result<Announcement> configuration_of(const PublishOptions& options) {
    Announcement out;
    out.file = options.file;
    SLUICE_TRY(const auto length, length_of(out.file));
    if (length == 0) return Error{out.file.string() + ": is empty"};
    image::Sha256 digest;
    SLUICE_CHECK(read_pieces(out.file, length, kPortion, [&](ByteView bytes) -> Result<void> {
        digest.update(bytes);
        return success();
    }));
    out.length = length;
    out.body = {{"configuration",
                 {{"name", out.file.filename().string()},
                  {"version", options.configuration_version},
                  {"length", length},
                  {"sha256", digest.finish().hex()}}}};
    return out;
}

// Sends one portion until it is in: the connection may break, the ACS be busy, a portion have
// arrived whose answer did not. Moves `at` to where the ACS stands.
Result<Json, ApiFault> send_portion(ApiClient& api, const Announcement& what, const std::string& id,
                                    std::uint64_t& at) {
    for (int tries = 1;; ++tries) {
        const auto size =
            static_cast<std::size_t>(std::min<std::uint64_t>(kPortion, what.length - at));
        const auto bytes = read_range(what.file, at, size);
        if (!bytes.has_value()) return ApiFault{bytes.error().message, 1, 0, false};
        const auto range = "bytes " + std::to_string(at) + "-" + std::to_string(at + size - 1) +
                           "/" + std::to_string(what.length);
        auto answer =
            api.put("images/" + id + "/content", bytes.value(), {{"Content-Range", range}});
        if (answer.has_value()) {
            at += size;
            return answer;
        }
        const auto& fault = answer.error();
        const bool is_passing = fault.status == 0 || fault.status == 503 || fault.status == 409;
        if (!is_passing || tries == kTries) return answer;
        if (fault.has_upload_offset && fault.upload_offset < what.length)
            at = fault.upload_offset;
        else
            std::this_thread::sleep_for(kBetweenTries);
    }
}

Result<Json> send(ApiClient& api, const Announcement& what) {
    Progress progress("publishing", what.length);
    for (int beginnings = 1;; ++beginnings) {
        auto standing = api.post("images", what.body);
        if (!standing.has_value()) return to_error(standing.error());
        const auto id = text_in(standing.value(), "id");
        auto at = number_in(standing.value(), "received");
        progress.move_to(at);
        while (standing.has_value() && text_in(standing.value(), "state") != "published") {
            standing = send_portion(api, what, id, at);
            progress.move_to(at);
        }
        if (standing.has_value()) return std::move(standing).value();
        // An ACS that was restarted knows nothing of a half-sent file.
        const bool is_forgotten = standing.error().status == 404;
        if (!is_forgotten || beginnings == kTries) return to_error(standing.error());
    }
}

Result<void> publish(const PublishOptions& options) {
    const bool is_firmware = options.configuration_version.empty();
    SLUICE_TRY(auto api, ApiClient::open(*options.api));
    SLUICE_TRY(const auto what, is_firmware ? firmware_of(options) : configuration_of(options));
    SLUICE_TRY(const auto image, send(api, what));
    if (options.is_json) {
        std::cout << image.dump(2) << "\n";
        return success();
    }
    Table table;
    table.row("published", styled(printable(text_in(image, "name")), Style::bold));
    table.row("version", printable(text_in(image, "software_version")));
    table.row("id", text_in(image, "id"));
    table.row("length", bytes_for_people(number_in(image, "length")));
    std::cout << table.text();
    return success();
}

}  // namespace

void add_image_publish_command(CLI::App& image) {
    auto* command = image.add_subcommand(
        "publish",
        "Give an image to the ACS, for its devices to fetch.\n"
        "The ACS compares every byte with the manifest before it says that it has the image.");
    const auto options = std::make_shared<PublishOptions>();
    command
        ->add_option("MANIFEST", options->file,
                     "the signed manifest, with <name>.bin beside it;\n"
                     "with --configuration the file itself")
        ->required();
    command->add_option("--image", options->image, "the image, where it is not beside the manifest")
        ->type_name("FILE");
    command
        ->add_option("--configuration", options->configuration_version,
                     "a configuration file of this version, without a manifest")
        ->type_name("VERSION");
    command->add_flag("--json", options->is_json, "for programs");
    options->api = add_api_options(*command);
    command->footer(
        "Example:\n"
        "  sluice image publish images/gw3-4.2.1.manifest.json");
    command->callback([options] { finish(publish(*options)); });
}

}  // namespace sluice::cli
