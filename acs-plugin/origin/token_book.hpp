#pragma once
// What the origin asks its planner: whose token it is, which image that opens, what was sent. An
// interface, so that a planner behind another ACS's door can stand here too.

#include <functional>

#include "acs-plugin/service/planner.hpp"

namespace sluice::origin {

class TokenBook {
public:
    virtual ~TokenBook() = default;
    // Asked first of a token: `ready` is called once what the others say of it is at hand, from
    // inside or later on the same thread; with false where nobody can be asked now. What they say
    // is good until it returns.
    virtual void prepare(std::string_view /*token*/, bool /*is_for_assignment*/,
                         std::function<void(bool)> ready) {
        ready(true);
    }
    // As in service::Planner.
    virtual std::optional<service::Grant> grant(std::string_view token) const = 0;
    virtual bool is_over(std::string_view token) const = 0;
    virtual Result<std::string> assignment(std::string_view token, service::WallTime now) = 0;
    virtual const service::ImageRow* image(std::string_view id) const = 0;
    // False: the site's budget is spent by it; the transfer is to end.
    virtual bool on_payload(const service::Grant& grant, std::uint64_t bytes,
                            bool is_new_request) = 0;
};

class PlannerTokens final : public TokenBook {
public:
    explicit PlannerTokens(service::Planner& planner) : planner_(planner) {}  // outlives it

    std::optional<service::Grant> grant(std::string_view token) const override {
        return planner_.grant(token);
    }
    bool is_over(std::string_view token) const override { return planner_.is_over(token); }
    Result<std::string> assignment(std::string_view token, service::WallTime now) override {
        return planner_.assignment(token, now);
    }
    const service::ImageRow* image(std::string_view id) const override {
        return planner_.image(id);
    }
    bool on_payload(const service::Grant& grant, std::uint64_t bytes,
                    bool is_new_request) override {
        return planner_.on_payload(grant, bytes, is_new_request);
    }

private:
    service::Planner& planner_;
};

}  // namespace sluice::origin
