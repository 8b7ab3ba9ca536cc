// What strangers say at the door for configurations: targets and tokens; and the file of keys.

#include <cstdint>
#include <cstdlib>

#include "acs-plugin/backup/ticket.hpp"

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

const sluice::backup::KeyRing& keys() {
    static const auto out = sluice::backup::KeyRing::parse("a:" + std::string(64, 'a'));
    return out.value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace sluice;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static const backup::TicketBook book(keys());
    if (const auto target = backup::parse_door_target(text)) {
        require(text.find(target->token) != text.npos && !target->token.empty());
        (void)book.read(target->token);
    }
    if (const auto claim = book.read(text)) require(book.token(*claim) == text);
    (void)book.password(text);
    if (const auto ring = backup::KeyRing::parse(text); ring.has_value())
        require(ring.value().has(ring.value().first()));
    require(!keys().open("a", text, {"device", 1, size}).has_value());
    return 0;
}
