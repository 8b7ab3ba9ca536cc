#pragma once
// The origin's token book on a node that does not own the store. Before the origin asks about a
// token, prepare() fetches what the owner knows of it, and keeps it for a moment. What was sent is
// told to the owner a few times a second; sites that are held come back with the answer, so that a
// budget is overdrawn by a fraction of a second's payload at most.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "acs-plugin/cluster/channel.hpp"
#include "acs-plugin/origin/token_book.hpp"

namespace sluice::cluster {

class RemoteTokens final : public origin::TokenBook {
public:
    RemoteTokens(boost::asio::io_context& io, Channel& channel);  // both outlive it
    ~RemoteTokens() override;

    void prepare(std::string_view token, bool is_for_assignment,
                 std::function<void(bool)> ready) override;
    std::optional<service::Grant> grant(std::string_view token) const override;
    bool is_over(std::string_view token) const override;
    Result<std::string> assignment(std::string_view token, service::WallTime now) override;
    const service::ImageRow* image(std::string_view id) const override;
    bool on_payload(const service::Grant& grant, std::uint64_t bytes, bool is_new_request) override;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace sluice::cluster
