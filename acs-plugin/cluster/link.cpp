#include "acs-plugin/cluster/link.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace sluice::cluster {

namespace asio = boost::asio;

void Link::start(Events events) {
    events_ = std::move(events);
    read_length();
}

void Link::read_length() {
    asio::async_read(*stream_, asio::buffer(length_),
                     [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
                         if (self->is_over_) return;
                         if (ec) return self->fail(ec.message());
                         std::uint32_t length = 0;
                         for (const auto byte : self->length_) length = length << 8 | byte;
                         if (length > kMaxFrame) return self->fail("a frame is too long");
                         self->read_frame(length);
                     });
}

void Link::read_frame(std::uint32_t length) {
    frame_.resize(length);
    asio::async_read(*stream_, asio::buffer(frame_),
                     [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
                         if (self->is_over_) return;
                         if (ec) return self->fail(ec.message());
                         const auto frame = std::move(self->frame_);
                         self->frame_ = {};
                         self->events_.taken(frame);
                         if (!self->is_over_) self->read_length();
                     });
}

void Link::send(const std::string& frame) {
    if (is_over_) return;
    const auto length = static_cast<std::uint32_t>(frame.size());
    for (int shift = 24; shift >= 0; shift -= 8)
        unsent_ += static_cast<char>(length >> shift & 0xff);
    unsent_ += frame;
    if (unsent_.size() > kMaxUnsent) return fail("the other node takes nothing");
    if (!is_writing_) write();
}

// Everything that waits in one go.
void Link::write() {
    is_writing_ = true;
    under_way_ = std::exchange(unsent_, {});
    asio::async_write(*stream_, asio::buffer(under_way_),
                      [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
                          self->is_writing_ = false;
                          if (ec && self->released_to_) return self->drop();
                          if (self->released_to_ && self->unsent_.empty()) return self->give();
                          if (self->is_over_ && !self->released_to_) return;
                          if (ec) return self->fail(ec.message());
                          if (!self->unsent_.empty()) self->write();
                      });
}

void Link::close() {
    is_over_ = true;
    if (!stream_) return;
    boost::system::error_code ignored;
    stream_->next_layer().close(ignored);
}

void Link::release(std::function<void(std::unique_ptr<Stream>)> to) {
    is_over_ = true;
    released_to_ = std::move(to);
    if (!is_writing_) give();
}

void Link::give() {
    events_ = {};
    std::exchange(released_to_, nullptr)(std::move(stream_));
}

// What it was to be given to may hold this very link: neither would ever go.
void Link::drop() {
    close();
    events_ = {};
    released_to_ = nullptr;
}

void Link::fail(const std::string& why) {
    if (is_over_) return;
    const auto keep = shared_from_this();
    close();
    // Not from inside send(): whoever sends is not to be surprised.
    asio::post(stream_->get_executor(), [keep, why] {
        if (keep->events_.lost) keep->events_.lost(why);
        keep->events_ = {};
    });
}

}  // namespace sluice::cluster
