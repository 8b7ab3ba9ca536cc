#include "acs-plugin/acs/node_desk.hpp"

namespace sluice::acs {

using cwmp::acs::Desk;
using cwmp::acs::DeskWord;

Desk* NodeDesk::desk() const {
    if (here_ != nullptr) return may_act_() ? here_ : nullptr;
    return elsewhere_;
}

void NodeDesk::find(const std::string& identity, std::function<void(Found)> then) {
    if (auto* at = desk()) return at->find(identity, std::move(then));
    then({DeskWord::away, {}});
}

void NodeDesk::on_contact(const service::Contact& contact, std::function<void(Told)> then) {
    if (auto* at = desk()) return at->on_contact(contact, std::move(then));
    then({DeskWord::away, {}});
}

void NodeDesk::on_transfer_complete(const std::string& identity, const std::string& command_key,
                                    std::uint32_t fault, const std::string& why,
                                    std::function<void(bool)> recorded) {
    if (auto* at = desk())
        return at->on_transfer_complete(identity, command_key, fault, why, std::move(recorded));
    recorded(false);
}

void NodeDesk::next_order(const std::string& identity, std::function<void(Order)> give) {
    if (auto* at = desk()) return at->next_order(identity, std::move(give));
    give({DeskWord::away, {}});
}

void NodeDesk::on_order_answer(const std::string& identity, const service::OrderAnswer& answer) {
    if (auto* at = desk()) at->on_order_answer(identity, answer);
}

// --- configurations ---------------------------------------------------------------------------

backup::Counter* NodeCounter::counter() const {
    if (may_act_) return may_act_() ? here_ : nullptr;
    return elsewhere_;
}

void NodeCounter::put(const backup::Claim& claim, const std::string& identity, std::string bytes,
                      std::function<void(backup::Word)> done) {
    if (auto* at = counter()) return at->put(claim, identity, std::move(bytes), std::move(done));
    done(backup::Word::away);
}

void NodeCounter::get(const backup::Claim& claim, const std::string& identity,
                      std::function<void(backup::Word, Bytes)> done) {
    if (auto* at = counter()) return at->get(claim, identity, std::move(done));
    done(backup::Word::away, {});
}

// --- the origin -------------------------------------------------------------------------------

void NodeTokens::prepare(std::string_view token, bool is_for_assignment,
                         std::function<void(bool)> ready) {
    if (here_ != nullptr) return ready(may_act_());
    if (elsewhere_ == nullptr) return ready(false);
    elsewhere_->prepare(token, is_for_assignment, std::move(ready));
}

std::optional<service::Grant> NodeTokens::grant(std::string_view token) const {
    return book() == nullptr ? std::nullopt : book()->grant(token);
}
bool NodeTokens::is_over(std::string_view token) const {
    return book() != nullptr && book()->is_over(token);
}
Result<std::string> NodeTokens::assignment(std::string_view token, service::WallTime now) {
    if (book() == nullptr) return Error{"no node owns the store now"};
    return book()->assignment(token, now);
}
const service::ImageRow* NodeTokens::image(std::string_view id) const {
    return book() == nullptr ? nullptr : book()->image(id);
}
bool NodeTokens::on_payload(const service::Grant& grant, std::uint64_t bytes, bool is_new_request) {
    return book() == nullptr || book()->on_payload(grant, bytes, is_new_request);
}

}  // namespace sluice::acs
