#include "acs-plugin/cluster/owner_desk.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::cluster {
namespace {

using cwmp::acs::Desk;
using cwmp::acs::DeskWord;

Message away() {
    return {{"away", true}};
}

}  // namespace

void OwnerDesk::on_question(const Message& question, ChannelServer::Reply reply) {
    if (!may_answer_()) return reply(away());
    const auto what = text_of(question, "what");
    if (what == "find") return find(question, std::move(reply));
    if (what == "contact") return take_contact(question, std::move(reply));
    if (what == "transfer") return take_transfer(question, std::move(reply));
    if (what == "order") return give_order(question, std::move(reply));
    if (what == "answer") return take_answer(question, reply);
    if (what == "token") return show_token(question, reply);
    if (what == "payload") return take_payload(question, reply);
    reply(away());  // a younger node's question
}

// --- devices' sessions ------------------------------------------------------------------------

void OwnerDesk::find(const Message& question, ChannelServer::Reply reply) {
    desk_.find(text_of(question, "identity"), [reply = std::move(reply)](Desk::Found found) {
        if (found.word == DeskWord::away) return reply(away());
        auto out = Message::object();
        if (found.row) out["row"] = to_message(*found.row);
        reply(std::move(out));
    });
}

void OwnerDesk::take_contact(const Message& question, ChannelServer::Reply reply) {
    service::Contact contact;
    if (!question.contains("contact") || !read(question["contact"], contact))
        return reply({{"refused", "the report cannot be read"}});
    desk_.on_contact(contact, [reply = std::move(reply)](const Desk::Told& told) {
        if (told.word == DeskWord::away) return reply(away());
        reply(told.word == DeskWord::refused ? Message{{"refused", told.why}} : Message::object());
    });
}

void OwnerDesk::take_transfer(const Message& question, ChannelServer::Reply reply) {
    desk_.on_transfer_complete(text_of(question, "identity"), text_of(question, "key"),
                               static_cast<std::uint32_t>(number_of(question, "fault")),
                               text_of(question, "why"),
                               [reply = std::move(reply)](bool is_recorded) {
                                   reply({{"recorded", is_recorded}});
                               });
}

void OwnerDesk::give_order(const Message& question, ChannelServer::Reply reply) {
    desk_.next_order(text_of(question, "identity"), [reply = std::move(reply)](Desk::Order given) {
        if (given.word == DeskWord::away) return reply(away());
        auto out = Message::object();
        if (given.order) out["order"] = to_message(*given.order);
        reply(std::move(out));
    });
}

void OwnerDesk::take_answer(const Message& question, const ChannelServer::Reply& reply) {
    service::OrderAnswer answer;
    if (question.contains("answered") && read(question["answered"], answer))
        desk_.on_order_answer(text_of(question, "identity"), answer);
    reply(Message::object());
}

// --- the origin -------------------------------------------------------------------------------

void OwnerDesk::show_token(const Message& question, const ChannelServer::Reply& reply) {
    const auto token = text_of(question, "token");
    auto out = Message::object();
    const auto grant = tokens_.grant(token);
    if (!grant) {
        out["over"] = tokens_.is_over(token);
        return reply(std::move(out));
    }
    out["grant"] = to_message(*grant);
    if (const auto* image = tokens_.image(grant->image)) out["image"] = to_message(*image);
    if (is_on(question, "assignment")) {
        auto json = tokens_.assignment(token, wall_time_());
        if (json.has_value())
            out["assignment"] = std::move(json.value());
        else
            out["why_not"] = json.error().message;
    }
    reply(std::move(out));
}

void OwnerDesk::take_payload(const Message& question, const ChannelServer::Reply& reply) {
    auto held = Message::array();
    const auto list = question.find("sent");
    if (list != question.end() && list->is_array() && list->size() <= kMaxAccounts)
        for (const auto& each : *list) {
            service::Grant grant;
            if (!each.is_object() || !read(each, grant)) continue;
            auto requests = std::min<std::uint64_t>(number_of(each, "requests"), kMaxRequests);
            bool may_go_on = tokens_.on_payload(grant, number_of(each, "bytes"), requests > 0);
            for (; requests > 1; --requests) may_go_on = tokens_.on_payload(grant, 0, true);
            if (!may_go_on)
                held.push_back({{"rollout", grant.rollout},
                                {"of", grant.site.empty() ? grant.identity : grant.site}});
        }
    reply({{"held", std::move(held)}});
}

}  // namespace sluice::cluster
