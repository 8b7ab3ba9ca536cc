#pragma once
// One image on its way here from other nodes: opened where an earlier process left it, its layer
// first, then portion after portion, each verified before anybody reads it. A node that has it not,
// is silent or gives what is not the image's is left for the next; where none is left they are all
// tried again for a while. Inside acs-plugin/cluster only; on the io_context's thread, files on the
// worker's.

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "acs-plugin/cluster/channel.hpp"
#include "acs-plugin/cluster/line.hpp"
#include "acs-plugin/origin/arrival.hpp"
#include "acs-plugin/origin/supply.hpp"

namespace sluice::cluster {

struct FetchParts {
    boost::asio::io_context& io;
    boost::asio::thread_pool& worker;
    std::shared_ptr<SecretTls> tls;
    std::string folder;
    // Asked anew each time: addresses of who may have that image, in the order to ask them.
    std::function<void(const std::string& id, std::function<void(std::vector<std::string>)>)> nodes;
    Log log;
};

class ImageFetch : public std::enable_shared_from_this<ImageFetch> {
public:
    struct Events {
        std::function<void()> stepped;           // more is there to be read
        std::function<void(Result<void>)> over;  // at most once, and the last
    };

    ImageFetch(const FetchParts& parts, origin::Wanted wanted, Events events);
    void start();
    // Without `over`.
    void close();
    // Null: nothing of it may be read yet.
    const std::shared_ptr<origin::Coming>& coming() const { return coming_; }

private:
    using Fault = origin::ArrivalFault;
    template <class Work, class Then>
    void on_worker(Work work, Then then);
    void read_back();
    void next_round();
    void dial_next();
    void go_on();
    void ask_for(bool is_layer, std::uint64_t from, std::uint64_t count);
    void take_layer(const Bytes& bytes);
    void take_portion(Bytes bytes);
    void show();
    void judge(const Result<void, Fault>& taken);
    void leave(const std::string& why);
    void end(Result<void> result);

    const FetchParts& parts_;
    const origin::Wanted wanted_;
    Events events_;
    boost::asio::steady_timer pause_;
    std::shared_ptr<origin::Arrival> arrival_;  // the worker's while it has something to do
    std::shared_ptr<origin::Coming> coming_;
    std::shared_ptr<Line> line_;
    std::string at_;                   // whom line_ leads to
    std::vector<std::string> others_;  // of this round, the next at the end
    Bytes layer_;                      // as much of it as is here
    int rounds_ = 0;                   // since something came
    std::string why_;                  // the last node was left
    bool is_over_ = false;
};

}  // namespace sluice::cluster
