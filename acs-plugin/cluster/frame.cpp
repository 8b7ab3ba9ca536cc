#include "acs-plugin/cluster/frame.hpp"

#include <nlohmann/json.hpp>

namespace sluice::cluster {
namespace {

// Counts depth and takes nothing in: the library reads by recursion, and a frame may be deep.
struct Depth final : nlohmann::json_sax<Message> {
    int deepest = 16, depth = 0;
    bool down() { return ++depth <= deepest; }
    bool up() { return --depth >= 0; }
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return down(); }
    bool key(string_t&) override { return true; }
    bool end_object() override { return up(); }
    bool start_array(std::size_t) override { return down(); }
    bool end_array() override { return up(); }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return false;
    }
};

}  // namespace

std::string to_frame(const Message& message) {
    std::string out;
    Message::to_cbor(message, out);
    return out;
}

std::optional<Message> from_frame(const std::string& frame) {
    Depth depth;
    if (!Message::sax_parse(frame, &depth, Message::input_format_t::cbor)) return std::nullopt;
    auto out = Message::from_cbor(frame, true, false);
    if (out.is_discarded() || !out.is_object()) return std::nullopt;
    return out;
}

std::string text_of(const Message& message, const char* name) {
    const auto at = message.find(name);
    return at != message.end() && at->is_string() ? at->get<std::string>() : std::string();
}
std::uint64_t number_of(const Message& message, const char* name) {
    const auto at = message.find(name);
    return at != message.end() && at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
}
bool is_on(const Message& message, const char* name) {
    const auto at = message.find(name);
    return at != message.end() && at->is_boolean() && at->get<bool>();
}

}  // namespace sluice::cluster
