#pragma once
// Two streams that are one: what comes out of either goes into the other, until one of them ends.
// Inside acs-plugin/cluster only.

#include <array>
#include <boost/asio/write.hpp>
#include <memory>

namespace sluice::cluster {

template <class Left, class Right>
class Splice : public std::enable_shared_from_this<Splice<Left, Right>> {
public:
    Splice(std::unique_ptr<Left> left, std::unique_ptr<Right> right, std::shared_ptr<void> held)
        : left_(std::move(left)), right_(std::move(right)), held_(std::move(held)) {}

    void start() {
        pump(*left_, *right_, there_);
        pump(*right_, *left_, back_);
    }

private:
    using Buffer = std::array<char, 32 * 1024>;

    template <class From, class To>
    void pump(From& from, To& to, Buffer& buffer) {
        from.async_read_some(
            boost::asio::buffer(buffer), [self = this->shared_from_this(), &from, &to, &buffer](
                                             boost::system::error_code ec, std::size_t bytes) {
                if (ec) return self->end();
                boost::asio::async_write(
                    to, boost::asio::buffer(buffer.data(), bytes),
                    [self, &from, &to, &buffer](boost::system::error_code failed, std::size_t) {
                        if (failed) return self->end();
                        self->pump(from, to, buffer);
                    });
            });
    }
    void end() {
        boost::system::error_code ignored;
        left_->lowest_layer().close(ignored);
        right_->lowest_layer().close(ignored);
    }

    std::unique_ptr<Left> left_;
    std::unique_ptr<Right> right_;
    const std::shared_ptr<void> held_;
    Buffer there_, back_;
};

// `held` is let go of when both have ended.
template <class Left, class Right>
void splice(std::unique_ptr<Left> left, std::unique_ptr<Right> right,
            std::shared_ptr<void> held = nullptr) {
    std::make_shared<Splice<Left, Right>>(std::move(left), std::move(right), std::move(held))
        ->start();
}

}  // namespace sluice::cluster
