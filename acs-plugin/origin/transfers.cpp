#include "acs-plugin/origin/transfers.hpp"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <vector>

namespace sluice::origin {
namespace {

// One step of a transfer: large enough for sendfile to be worth it, small enough that sites with a
// rate share it fairly.
constexpr std::uint32_t kStep = 256 * 1024;
constexpr std::uint32_t kStepOfARate = 64 * 1024;
constexpr Duration kLeastWait = 1ms;

}  // namespace

struct Transfers::Timer {
    boost::asio::steady_timer it;
};

Transfers::Transfers(boost::asio::io_context& io, const OriginOptions& options, TokenBook& tokens,
                     OriginCounters& counters, net::HttpServer& http)
    : options_(options),
      tokens_(tokens),
      counters_(counters),
      http_(http),
      timer_(new Timer{boost::asio::steady_timer(io)}) {}
Transfers::~Transfers() = default;

Passage Transfers::passage_of(const service::Grant& grant) const {
    // A device of no site draws for itself alone.
    auto site = grant.site.empty() ? "device " + grant.identity : "site " + grant.site;
    return {{Passage::Gate{std::move(site), options_.site_rate_bps, 0},
             Passage::Gate{grant.rollout, grant.max_origin_bps, 0},
             Passage::Gate{{}, options_.rate_bps, 0}}};
}

void Transfers::begin(net::ExchangeId id, const service::Grant& grant, Source source,
                      const http::ByteRange& bytes) {
    ++counters_.transfers;
    all_.insert_or_assign(id.value, Each{grant, passage_of(grant), std::move(source), bytes.begin,
                                         bytes.end, 0, false, false});
    hand_over(id);
}

void Transfers::hand_over(net::ExchangeId id) {
    const auto found = all_.find(id.value);
    if (found == all_.end()) return;
    auto& each = found->second;
    const auto& coming = each.source.coming;
    const auto here = coming ? std::min(coming->verified, each.end) : each.end;
    if (each.at >= here) return starve(id, each);
    const auto step = each.passage.is_bound() ? kStepOfARate : kStep;
    const auto wanted = static_cast<std::uint32_t>(std::min<std::uint64_t>(step, here - each.at));
    const auto given = rates_.take(each.passage, id, wanted, now());
    if (given == 0) return arm_timer();
    const auto offset = each.at;
    each.at += given;
    each.on_its_way = given;
    http_.send_file(id, each.source.file->fd(), offset, given);
}

// What is to go next is not here: it comes, or the connection ends short of what was promised.
void Transfers::starve(net::ExchangeId id, Each& each) {
    each.is_starved = !each.source.coming->is_over;
    if (each.is_starved) return;
    ++counters_.broken_off;
    all_.erase(id.value);
    http_.abort(id);
}

void Transfers::on_step(const std::string& image) {
    std::vector<net::ExchangeId> waiting;
    for (auto& [id, each] : all_) {
        if (!each.is_starved || each.source.coming->id != image) continue;
        each.is_starved = false;
        waiting.push_back(net::ExchangeId{id});
    }
    for (const auto id : waiting) hand_over(id);
}

void Transfers::on_sent(net::ExchangeId id, std::uint32_t bytes) {
    const auto found = all_.find(id.value);
    if (found == all_.end()) return;
    auto& each = found->second;
    counters_.bytes_sent += bytes;
    const bool may_go_on = tokens_.on_payload(each.grant, bytes, !each.is_counted);
    each.is_counted = true;
    each.on_its_way -= bytes;
    // The site's budget is spent: the connection ends here.
    if (!may_go_on && each.at + each.on_its_way < each.end) {
        ++counters_.held;
        all_.erase(found);
        return http_.abort(id);
    }
    if (each.on_its_way > 0) return;
    if (each.at < each.end) return hand_over(id);
    all_.erase(found);
}

void Transfers::on_closed(net::ExchangeId id) {
    const auto found = all_.find(id.value);
    if (found == all_.end()) return;
    rates_.forget(found->second.passage, id);
    all_.erase(found);
}

void Transfers::arm_timer() {
    const auto deadline = std::max(rates_.next_deadline(), now() + kLeastWait);
    if (rates_.next_deadline() == Instant::never() || deadline >= timer_at_) return;
    timer_at_ = deadline;
    timer_->it.expires_after(deadline - now());
    timer_->it.async_wait([this](boost::system::error_code ec) {
        if (ec) return;
        timer_at_ = Instant::never();
        while (const auto id = rates_.take_ready(now())) hand_over(*id);
        arm_timer();
    });
}

}  // namespace sluice::origin
