#pragma once
// Published files among nodes that have folders of their own: every node gets a copy of every file
// (where they share one folder, has it already). A front asks the owner what there is, when it
// comes and while it lacks something, and is told of new files; a new owner gets from its fronts
// what it lacks. A file counts as published once another node has it too, where there is one: the
// owner's death loses nothing then. Nodes that were there a moment ago, or may not have found a new
// owner yet, are waited for before it counts as alone.
//
// Front to owner: "images" (a page of rows), "nodes" (who else may have one), "image.kept" (it is
// here, or why not), every two seconds "here" (with what it was told to take and has not yet).
// Owner to front, unasked: "image" (take it). On the io_context's thread.

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "acs-plugin/cluster/channel.hpp"
#include "acs-plugin/cluster/image_fetcher.hpp"

namespace sluice::cluster {

class ImageCopies {
public:
    using Done = std::function<void(Result<void>)>;
    using Images = std::function<std::vector<const service::ImageRow*>()>;

    struct Terms {
        // Of a new owner, and after another node was last seen, until it counts as alone: two lives
        // of a lease.
        std::chrono::milliseconds company{8000};
        // Of the nodes that are to take a copy: no byte read, and no word.
        std::chrono::milliseconds silence{30'000};
        std::chrono::milliseconds here{2000};  // of a front, between its signs of life
    };

    // All outlive it. `own_address`: where other nodes dial this one.
    ImageCopies(boost::asio::io_context& io, std::shared_ptr<SecretTls> tls, origin::Shelf& shelf,
                Channel& channel, ChannelServer& server, std::string own_address, Log log,
                Terms terms);
    ImageCopies(const ImageCopies&) = delete;
    ImageCopies& operator=(const ImageCopies&) = delete;

    origin::Supply& supply() { return fetcher_; }

    // On the owner from now on. `images`: all that are published.
    void own(Images images);
    // A file that is on the owner's shelf: `done` once another node has it too, or there is none;
    // an error when those that are there do not get it.
    void spread(const service::ImageRow& image, Done done);
    // The owner's answers; false where the question is about something else.
    bool answer(const Message& question, const ChannelServer::Reply& reply);

private:
    using Clock = std::chrono::steady_clock;
    struct Spread {
        service::ImageRow image;
        std::vector<Done> done;
        // Those that were told, by their connections, and why they could not; empty: not so far.
        std::map<std::uint64_t, std::string> nodes;
        Clock::time_point last_sign;
        Clock::time_point last_step;  // told, or given bytes: a sign alone does not bring it on
    };
    using Listed = std::shared_ptr<std::set<std::string>>;
    void on_told(const Message& message);
    void say_here();
    void list(const std::string& after = {}, Listed listed = {});
    void take_list(const Message& answer, const Listed& listed);
    void take(const service::ImageRow& image, bool is_told);
    void give(const Message& question, const ChannelServer::Reply& reply);
    void nodes(const std::string& id, const std::function<void(std::vector<std::string>)>& then);
    std::set<std::string> addresses() const;
    Message page_after(const std::string& after) const;
    Message spreading() const;
    void take_report(const Message& question);
    void take_signs(const Message& question);
    bool is_alone(bool is_now);
    void look_after_spreads();
    void look();
    void arm(std::chrono::milliseconds after);
    bool is_owner() const { return static_cast<bool>(images_); }

    boost::asio::io_context& io_;
    origin::Shelf& shelf_;
    Channel& channel_;
    ChannelServer& server_;
    const std::string own_address_;
    const Log log_;
    const Terms terms_;
    Clock::time_point looked_at_{}, alone_from_{};
    Images images_;  // empty: not the owner
    std::map<std::string, Spread> spreads_;
    std::set<std::string> told_, wanted_;  // on their way: to be reported, and else
    bool is_lacking_ = false;              // something did not come: look again
    Listed walk_;                          // the newest walk through the owner's list
    Clock::time_point look_at_{}, here_at_{};
    boost::asio::steady_timer timer_;
    ImageFetcher fetcher_;
    boost::asio::thread_pool reader_{1};  // of what is given to others
};

}  // namespace sluice::cluster
