#include "acs-plugin/cluster/image_source.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "acs-plugin/origin/shelf.hpp"
#include "engine/image/digest.hpp"

namespace sluice::cluster {

std::function<Message()> read_of(origin::Shelf& shelf, const Message& question) {
    const auto lacks = [] { return Message{{"lacks", true}}; };
    const auto id = image::Digest::from_hex(text_of(question, "id"));
    if (!id) return lacks;
    auto file = is_on(question, "layer") ? shelf.layer(id->hex()) : shelf.image(id->hex());
    if (!file.has_value()) return lacks;
    const auto length = file.value()->length();
    const auto from = std::min(number_of(question, "from"), length);
    const auto count =
        std::min({number_of(question, "count"), std::uint64_t{kPortion}, length - from});
    return [open = std::move(file).value(), from, count, lacks]() -> Message {
        Message::binary_t::container_type bytes(static_cast<std::size_t>(count));
        const auto read = ::pread(open->fd(), bytes.data(), bytes.size(), static_cast<off_t>(from));
        if (read < 0 || static_cast<std::size_t>(read) != bytes.size()) return lacks();
        auto out = Message::object();
        out["bytes"] = Message::binary(std::move(bytes));
        return out;
    };
}

}  // namespace sluice::cluster
