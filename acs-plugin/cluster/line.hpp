#pragma once
// Questions and their answers over one link: asked in order, answered in any. Where the link
// breaks, or a question waits too long, every question is answered with nothing. Inside
// acs-plugin/cluster only; on one io_context's thread.

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "acs-plugin/cluster/link.hpp"

namespace sluice::cluster {

class Line : public std::enable_shared_from_this<Line> {
public:
    using Answer = std::function<void(const Message* answer)>;  // null: away
    using Clock = std::chrono::steady_clock;
    struct Events {
        std::function<void(const std::string& why)> lost;    // at most once
        std::function<void(const Message& message)> told{};  // what answers no question of ours
    };

    // A node that waits for its store answers late; one that says nothing for so long is gone.
    Line(boost::asio::io_context& io, std::unique_ptr<Stream> stream, Clock::duration patience)
        : link_(std::make_shared<Link>(std::move(stream))), limit_(patience), timer_(io) {}
    ~Line() { link_->close(); }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;

    void start(Events events);
    void ask(Message question, Answer answer);
    // Without `lost`; what was asked is answered with nothing.
    void close();

private:
    struct Asked {
        Answer answer;
        Clock::time_point since;
    };
    void take(const std::string& frame);
    void lose(const std::string& why);
    void watch();

    const std::shared_ptr<Link> link_;
    Events events_;
    const Clock::duration limit_;
    boost::asio::steady_timer timer_;
    std::uint64_t next_id_ = 1;
    std::map<std::uint64_t, Asked> asked_;
    bool is_over_ = false;
};

}  // namespace sluice::cluster
