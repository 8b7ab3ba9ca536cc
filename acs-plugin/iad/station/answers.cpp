#include "acs-plugin/iad/station/answers.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "acs-plugin/iad/files.hpp"

namespace sluice::iad {
namespace {

constexpr const char* kFile = "/answer.json";

}  // namespace

Result<void> leave_answer(const std::string& folder, const Answer& a) {
    const nlohmann::json out = {{"word", a.word},
                                {"configuration", a.configuration},
                                {"image_file", a.image_file},
                                {"image", a.image},
                                {"version", a.version}};
    return write_durably(folder + kFile, as_bytes(out.dump() + "\n"));
}

std::optional<Answer> take_answer(const std::string& folder) {
    const auto file = folder + kFile;
    if (!std::filesystem::exists(file)) return std::nullopt;
    const auto bytes = read_whole(file, 64 * 1024);
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    if (!bytes.has_value()) return std::nullopt;
    const auto from =
        nlohmann::json::parse(bytes.value().begin(), bytes.value().end(), nullptr, false);
    if (!from.is_object()) return std::nullopt;
    const auto text = [&](const char* key) {
        const auto found = from.find(key);
        return found != from.end() && found->is_string() ? found->get<std::string>()
                                                         : std::string();
    };
    return Answer{text("word"), text("configuration"), text("image_file"), text("image"),
                  text("version")};
}

}  // namespace sluice::iad
