#include "acs-plugin/iad/device/memory.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "acs-plugin/iad/files.hpp"

namespace sluice::iad {
namespace {

constexpr std::size_t kMaxBytes = 16 * 1024;

std::string text_of(const nlohmann::json& from, const char* key) {
    const auto found = from.find(key);
    return found != from.end() && found->is_string() ? found->get<std::string>() : std::string();
}
std::uint32_t number_of(const nlohmann::json& from, const char* key) {
    const auto found = from.find(key);
    return found != from.end() && found->is_number_unsigned() ? found->get<std::uint32_t>() : 0;
}

}  // namespace

Result<Memory> read_memory(const std::string& path) {
    Memory out;
    if (!std::filesystem::exists(path)) return out;
    SLUICE_TRY(const auto bytes, read_whole(path, kMaxBytes));
    const auto json = nlohmann::json::parse(bytes.begin(), bytes.end(), nullptr, false);
    if (!json.is_object()) return Error{path + ": is not what this program wrote"};
    const auto command = number_of(json, "command"), state = number_of(json, "state");
    if (command >= kCommandNames.size() || state > static_cast<std::uint32_t>(State::refused))
        return Error{path + ": is not what this program wrote"};
    out.order.number = out.outcome.number = number_of(json, "number");
    out.order.command = out.outcome.command = static_cast<Command>(command);
    out.order.file = text_of(json, "file");
    out.outcome.state = static_cast<State>(state);
    out.outcome.progress = number_of(json, "progress");
    out.outcome.reason = text_of(json, "reason");
    out.outcome.length = number_of(json, "length");
    out.outcome.digest = from_hex(text_of(json, "digest")).value_or(Bytes{});
    return out;
}

Result<void> keep_memory(const std::string& path, const Memory& memory) {
    const nlohmann::json json = {{"number", memory.order.number},
                                 {"command", static_cast<std::uint32_t>(memory.order.command)},
                                 {"file", memory.order.file},
                                 {"state", static_cast<std::uint32_t>(memory.outcome.state)},
                                 {"progress", memory.outcome.progress},
                                 {"reason", memory.outcome.reason},
                                 {"length", memory.outcome.length},
                                 {"digest", to_hex(memory.outcome.digest)}};
    const auto text = json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    return write_durably(path, as_bytes(text));
}

}  // namespace sluice::iad
