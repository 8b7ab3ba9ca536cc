#pragma once
// The two ways a body is taken in: a run of pieces, each into a pooled buffer of its own, and a
// small body (layer, `have`) into one bounded block. They tell a BodyListener, which notes it
// and acts later (net::BodySink's rule).

#include <algorithm>
#include <span>
#include <string>

#include "agent/piece_buffers.hpp"
#include "engine/base/bytes.hpp"
#include "engine/base/piece_set.hpp"
#include "engine/image/piece_layout.hpp"
#include "engine/net/client_connection.hpp"

namespace sluice::agent {

class RunSink;
class BlockSink;

class BodyListener {
public:
    virtual ~BodyListener() = default;
    // No buffer is free: resume the connection once one is.
    virtual void on_starved(const RunSink& run) = 0;
    virtual void on_run_bytes(const RunSink& run, std::size_t count) = 0;
    virtual void on_piece(const RunSink& run, PieceIndex piece, PieceBuffers::Buffer bytes) = 0;
    virtual void on_block_bytes(const BlockSink& block, std::size_t count) = 0;
    // The last call for a sink; may destroy it.
    virtual void on_run_end(const RunSink& run) = 0;
    virtual void on_run_fault(const RunSink& run, net::FetchFault fault, Duration retry_after,
                              const std::string& why) = 0;
    virtual void on_block_end(BlockSink& block) = 0;
    virtual void on_block_fault(const BlockSink& block, net::FetchFault fault, Duration retry_after,
                                const std::string& why) = 0;
};

class RunSink final : public net::BodySink {
public:
    // `begun`: what is there of the first piece already; what lies behind it was asked for.
    RunSink(BodyListener& listener, PieceBuffers& buffers, const image::PieceLayout& layout,
            RequestId id, SourceIndex source, PieceRun run, PieceBuffers::Begun begun = {})
        : listener_(listener),
          buffers_(buffers),
          layout_(layout),
          id_(id),
          source_(source),
          next_(run.first),
          buffer_(std::move(begun.buffer)),
          filled_(begun.filled),
          is_begun_(buffer_ != nullptr) {}
    ~RunSink() override {
        if (is_begun_) {
            buffers_.keep_begun(next_, {std::move(buffer_), filled_});
        } else {
            buffers_.give_back(std::move(buffer_));
        }
    }

    RequestId id() const { return id_; }
    SourceIndex source() const { return source_; }

    std::span<std::uint8_t> room() override {
        if (!buffer_) buffer_ = buffers_.take(next_);
        if (!buffer_) {
            listener_.on_starved(*this);
            return {};
        }
        return {buffer_.get() + filled_, layout_.size_of(next_) - filled_};
    }
    void on_bytes(std::size_t count) override {
        filled_ += count;
        buffers_.note(buffer_, next_, filled_);
        listener_.on_run_bytes(*this, count);
        if (filled_ < layout_.size_of(next_)) return;
        filled_ = 0;
        is_begun_ = false;
        const auto piece = next_;
        next_ = PieceIndex{piece.value + 1};
        listener_.on_piece(*this, piece, std::move(buffer_));
    }
    void on_end() override { listener_.on_run_end(*this); }
    void on_fault(net::FetchFault fault, Duration retry_after, const std::string& why) override {
        listener_.on_run_fault(*this, fault, retry_after, why);
    }

private:
    BodyListener& listener_;
    PieceBuffers& buffers_;
    const image::PieceLayout& layout_;
    const RequestId id_;
    const SourceIndex source_;
    PieceIndex next_;  // being filled
    PieceBuffers::Buffer buffer_;
    std::size_t filled_ = 0;
    bool is_begun_;  // by an earlier life
};

class BlockSink final : public net::BodySink {
public:
    // `most` bounds the memory; it grows with what comes.
    BlockSink(BodyListener& listener, RequestId id, SourceIndex source, bool is_layer,
              std::size_t most)
        : listener_(listener), id_(id), source_(source), is_layer_(is_layer), most_(most) {}

    RequestId id() const { return id_; }
    SourceIndex source() const { return source_; }
    bool is_layer() const { return is_layer_; }
    Bytes take() {
        bytes_.resize(used_);
        return std::move(bytes_);
    }

    std::span<std::uint8_t> room() override {
        constexpr std::size_t kStep = 16 * 1024;
        if (used_ == bytes_.size()) bytes_.resize(std::min(used_ + kStep, most_));
        return {bytes_.data() + used_, bytes_.size() - used_};
    }
    void on_bytes(std::size_t count) override {
        used_ += count;
        listener_.on_block_bytes(*this, count);
    }
    void on_end() override { listener_.on_block_end(*this); }
    void on_fault(net::FetchFault fault, Duration retry_after, const std::string& why) override {
        listener_.on_block_fault(*this, fault, retry_after, why);
    }

private:
    BodyListener& listener_;
    const RequestId id_;
    const SourceIndex source_;
    const bool is_layer_;
    const std::size_t most_;
    Bytes bytes_;
    std::size_t used_ = 0;
};

}  // namespace sluice::agent
