#include "acs-plugin/cluster/image_source.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "acs-plugin/origin/shelf.hpp"
#include "engine/image/digest.hpp"

namespace sluice::cluster {

void answer_read(origin::Shelf& shelf, const Message& question, const ChannelServer::Reply& reply) {
    const Message lacks{{"lacks", true}};
    const auto id = image::Digest::from_hex(text_of(question, "id"));
    if (!id) return reply(lacks);
    const auto file = is_on(question, "layer") ? shelf.layer(id->hex()) : shelf.image(id->hex());
    if (!file.has_value()) return reply(lacks);
    const auto& open = *file.value();
    const auto from = std::min(number_of(question, "from"), open.length());
    const auto count =
        std::min({number_of(question, "count"), std::uint64_t{kPortion}, open.length() - from});
    Message::binary_t::container_type bytes(static_cast<std::size_t>(count));
    const auto read = ::pread(open.fd(), bytes.data(), bytes.size(), static_cast<off_t>(from));
    if (read < 0 || static_cast<std::size_t>(read) != bytes.size()) return reply(lacks);
    auto out = Message::object();
    out["bytes"] = Message::binary(std::move(bytes));
    reply(std::move(out));
}

}  // namespace sluice::cluster
