#pragma once
// What a node's own devices talk to, wherever the planner is: here, once this node owns the store;
// on another node; or nowhere for now. The endpoint and the origin never learn which.

#include <functional>

#include "acs-plugin/backup/counter.hpp"
#include "acs-plugin/cwmp/desk.hpp"
#include "acs-plugin/origin/token_book.hpp"

namespace sluice::acs {

class NodeDesk final : public cwmp::acs::Desk {
public:
    // Both outlive it. `elsewhere` is asked until there is one here; null: there are no others.
    void set_elsewhere(cwmp::acs::Desk* desk) { elsewhere_ = desk; }
    // `may_act`: nobody else can own the store yet.
    void set_here(cwmp::acs::Desk& desk, std::function<bool()> may_act) {
        here_ = &desk;
        may_act_ = std::move(may_act);
    }

    void find(const std::string& identity, std::function<void(Found)> then) override;
    void on_contact(const service::Contact& contact, std::function<void(Told)> then) override;
    void on_transfer_complete(const std::string& identity, const std::string& command_key,
                              std::uint32_t fault, const std::string& why,
                              std::function<void(bool)> recorded) override;
    void next_order(const std::string& identity, std::function<void(Order)> give) override;
    void on_order_answer(const std::string& identity, const service::OrderAnswer& answer) override;

private:
    cwmp::acs::Desk* desk() const;

    cwmp::acs::Desk *here_ = nullptr, *elsewhere_ = nullptr;
    std::function<bool()> may_act_;
};

class NodeTokens final : public origin::TokenBook {
public:
    void set_elsewhere(origin::TokenBook* book) { elsewhere_ = book; }
    void set_here(origin::TokenBook& book, std::function<bool()> may_act) {
        here_ = &book;
        may_act_ = std::move(may_act);
    }

    void prepare(std::string_view token, bool is_for_assignment,
                 std::function<void(bool)> ready) override;
    std::optional<service::Grant> grant(std::string_view token) const override;
    bool is_over(std::string_view token) const override;
    Result<std::string> assignment(std::string_view token, service::WallTime now) override;
    const service::ImageRow* image(std::string_view id) const override;
    bool on_payload(const service::Grant& grant, std::uint64_t bytes, bool is_new_request) override;

private:
    origin::TokenBook* book() const { return here_ != nullptr ? here_ : elsewhere_; }

    origin::TokenBook *here_ = nullptr, *elsewhere_ = nullptr;
    std::function<bool()> may_act_;
};

class NodeCounter final : public backup::Counter {
public:
    void set_elsewhere(backup::Counter* counter) { elsewhere_ = counter; }
    // Null: the locker has no keys here.
    void set_here(backup::Counter* counter, std::function<bool()> may_act) {
        here_ = counter;
        may_act_ = std::move(may_act);
    }

    void put(const backup::Claim& claim, const std::string& identity, std::string bytes,
             std::function<void(backup::Word)> done) override;
    void get(const backup::Claim& claim, const std::string& identity,
             std::function<void(backup::Word, Bytes)> done) override;

private:
    backup::Counter* counter() const;

    backup::Counter *here_ = nullptr, *elsewhere_ = nullptr;
    std::function<bool()> may_act_;  // empty: this node does not own the store
};

}  // namespace sluice::acs
