#include "acs-plugin/cluster/remote_desk.hpp"

#include <nlohmann/json.hpp>

namespace sluice::cluster {

using cwmp::acs::DeskWord;

namespace {

// What the owner says there, where it says something; false: nobody can read it, and so it was not
// answered.
template <class Value>
bool is_read(const Message& answer, const char* name, Value& out) {
    return !answer.contains(name) || read(answer[name], out);
}

}  // namespace

void RemoteDesk::find(const std::string& identity, std::function<void(Found)> then) {
    channel_.ask({{"what", "find"}, {"identity", identity}},
                 [then = std::move(then)](const Message* answer) {
                     Found out;
                     service::DeviceRow row;
                     if (answer == nullptr || !is_read(*answer, "row", row))
                         out.word = DeskWord::away;
                     else if (answer->contains("row"))
                         out.row = std::move(row);
                     then(std::move(out));
                 });
}

void RemoteDesk::on_contact(const service::Contact& contact, std::function<void(Told)> then) {
    channel_.ask({{"what", "contact"}, {"contact", to_message(contact)}},
                 [then = std::move(then)](const Message* answer) {
                     const auto why =
                         answer == nullptr ? std::string() : text_of(*answer, "refused");
                     if (answer == nullptr || answer->contains("refused") == why.empty())
                         return then({DeskWord::away, {}});
                     then({why.empty() ? DeskWord::taken : DeskWord::refused, why});
                 });
}

void RemoteDesk::on_transfer_complete(const std::string& identity, const std::string& command_key,
                                      std::uint32_t fault, const std::string& why,
                                      std::function<void(bool)> recorded) {
    channel_.ask({{"what", "transfer"},
                  {"identity", identity},
                  {"key", command_key},
                  {"fault", fault},
                  {"why", why}},
                 [recorded = std::move(recorded)](const Message* answer) {
                     recorded(answer != nullptr && is_on(*answer, "recorded"));
                 });
}

void RemoteDesk::next_order(const std::string& identity, std::function<void(Order)> give) {
    channel_.ask({{"what", "order"}, {"identity", identity}},
                 [give = std::move(give)](const Message* answer) {
                     Order out;
                     service::DeviceOrder order;
                     if (answer == nullptr || !is_read(*answer, "order", order))
                         return give({DeskWord::away, {}});
                     if (answer->contains("order")) out.order = std::move(order);
                     give(std::move(out));
                 });
}

// Lost with its owner, the device is asked again by the next one.
void RemoteDesk::on_order_answer(const std::string& identity, const service::OrderAnswer& answer) {
    channel_.ask({{"what", "answer"}, {"identity", identity}, {"answered", to_message(answer)}},
                 [](const Message*) {});
}

}  // namespace sluice::cluster
