#include "engine/http/target.hpp"

#include <algorithm>

#include "engine/base/bytes.hpp"
#include "engine/http/text.hpp"

namespace sluice::http {
namespace {

constexpr std::string_view kPrefix = "/v1/images/";
constexpr std::size_t kHexId = 64;
constexpr std::size_t kMaxName = 64;

bool is_name_char(char c) {
    return is_digit(c) || is_letter(c) || c == '.' || c == '_' || c == '-';
}

std::optional<PeerResource> resource_of(std::string_view name) {
    if (name == "manifest") return PeerResource::manifest;
    if (name == "layer") return PeerResource::layer;
    if (name == "have") return PeerResource::have;
    if (name.empty() || name.size() > kMaxName || name.front() == '.' ||
        !std::all_of(name.begin(), name.end(), is_name_char))
        return std::nullopt;
    return PeerResource::image;
}

bool read_query(std::string_view query, PeerTarget& out) {
    while (!query.empty()) {
        const auto pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        const auto equals = pair.find('=');
        const auto key = pair.substr(0, equals);
        auto* wanted = key == "after" ? &out.after : key == "boot" ? &out.boot : nullptr;
        if (wanted == nullptr) continue;
        if (equals == std::string_view::npos) return false;
        const auto value = parse_number<std::uint32_t>(pair.substr(equals + 1));
        if (!value) return false;
        *wanted = *value;
    }
    return true;
}

}  // namespace

std::optional<PeerTarget> parse_peer_target(std::string_view target) {
    if (target.size() > kMaxTarget || !target.starts_with(kPrefix)) return std::nullopt;
    target.remove_prefix(kPrefix.size());
    const auto question = target.find('?');
    const auto path = target.substr(0, question);
    if (path.size() <= kHexId || path[kHexId] != '/') return std::nullopt;
    const auto id = from_hex(path.substr(0, kHexId));
    const auto resource = resource_of(path.substr(kHexId + 1));
    if (!id || !resource) return std::nullopt;
    PeerTarget out;
    std::copy(id->begin(), id->end(), out.image_id.begin());
    out.resource = *resource;
    if (*resource == PeerResource::have && question != std::string_view::npos &&
        !read_query(target.substr(question + 1), out))
        return std::nullopt;
    return out;
}

std::string format_peer_target(const PeerTarget& target) {
    auto out = std::string(kPrefix) + to_hex(target.image_id);
    switch (target.resource) {
        case PeerResource::image:
            return out + "/image.bin";
        case PeerResource::manifest:
            return out + "/manifest";
        case PeerResource::layer:
            return out + "/layer";
        case PeerResource::have:
            break;
    }
    out += "/have?after=" + std::to_string(target.after);
    if (target.boot != 0) out += "&boot=" + std::to_string(target.boot);
    return out;
}

}  // namespace sluice::http
