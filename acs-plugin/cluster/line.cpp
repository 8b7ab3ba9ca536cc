#include "acs-plugin/cluster/line.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace sluice::cluster {
namespace {

constexpr std::size_t kMaxQuestions = 65'536;

}  // namespace

void Line::start(Events events) {
    events_ = std::move(events);
    link_->start({[weak = weak_from_this()](const std::string& frame) {
                      if (const auto self = weak.lock()) self->take(frame);
                  },
                  [weak = weak_from_this()](const std::string& why) {
                      if (const auto self = weak.lock()) self->lose(why);
                  }});
    watch();
}

void Line::ask(Message question, Answer answer) {
    if (is_over_ || asked_.size() >= kMaxQuestions) return answer(nullptr);
    const auto id = next_id_++;
    question["ask"] = id;
    asked_.emplace(id, Asked{std::move(answer), Clock::now()});
    link_->send(to_frame(question));
}

void Line::take(const std::string& frame) {
    const auto message = from_frame(frame);
    if (!message) return lose("it says what nobody can read");
    const auto at = asked_.find(number_of(*message, "answer"));
    if (at == asked_.end()) {
        if (events_.told) events_.told(*message);
        return;
    }
    const auto answer = std::move(at->second.answer);
    asked_.erase(at);
    answer(is_on(*message, "away") ? nullptr : &*message);
}

void Line::close() {
    is_over_ = true;
    timer_.cancel();
    link_->close();
    events_ = {};
    auto all = std::exchange(asked_, {});
    for (auto& [id, each] : all) each.answer(nullptr);
}

void Line::lose(const std::string& why) {
    const auto keep = shared_from_this();
    const auto lost = std::move(events_.lost);
    close();
    if (lost) lost(why);
}

void Line::watch() {
    timer_.expires_after(std::min<Clock::duration>(limit_ / 2, std::chrono::seconds(1)));
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
        const auto self = weak.lock();
        if (ec || !self || self->is_over_) return;
        const auto now = Clock::now();
        if (!self->asked_.empty() && now - self->asked_.begin()->second.since > self->limit_)
            return self->lose("it does not answer");
        self->watch();
    });
}

}  // namespace sluice::cluster
