#include "agent/swarm/store_disk.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <libtorrent/add_torrent_params.hpp>
#include <libtorrent/disk_buffer_holder.hpp>
#include <libtorrent/disk_interface.hpp>
#include <libtorrent/disk_observer.hpp>
#include <libtorrent/error_code.hpp>
#include <libtorrent/hasher.hpp>
#include <libtorrent/operations.hpp>
#include <libtorrent/peer_request.hpp>
#include <libtorrent/storage_defs.hpp>

namespace sluice::agent::swarm {
namespace {

constexpr lt::storage_index_t kOnlyStorage{0};

PieceIndex ours(lt::piece_index_t piece) {
    return PieceIndex{static_cast<std::uint32_t>(static_cast<int>(piece))};
}

lt::storage_error failure(lt::operation_t operation) {
    lt::storage_error error;
    error.ec = lt::error_code(boost::system::errc::io_error, boost::system::generic_category());
    error.operation = operation;
    return error;
}

lt::storage_error unsupported() {
    lt::storage_error error;
    error.ec = lt::error_code(boost::system::errc::operation_not_supported,
                              boost::system::generic_category());
    return error;
}

// Blocks on their way to a peer: some outlive the disk, in handlers that are never called.
struct Heap final : lt::buffer_allocator_interface {
    void free_disk_buffer(char* buffer) override { delete[] buffer; }
};
Heap heap;

// Handlers run later and outside of the call that brought them, as libtorrent wants it. They are
// moved, never copied: some own the memory that a result is written to.
class StoreDisk final : public lt::disk_interface {
public:
    StoreDisk(boost::asio::io_context& io, std::shared_ptr<IncomingPieces> pieces, DiskCalls calls)
        : io_(io),
          pieces_(std::move(pieces)),
          calls_(std::make_shared<const DiskCalls>(std::move(calls))) {}

    lt::storage_holder new_torrent(const lt::storage_params&,
                                   const std::shared_ptr<void>&) override {
        return {kOnlyStorage, *this};
    }
    void remove_torrent(lt::storage_index_t) override {}

    void async_read(lt::storage_index_t, const lt::peer_request& wanted,
                    std::function<void(lt::disk_buffer_holder, const lt::storage_error&)> handler,
                    lt::disk_job_flags_t) override {
        const auto size = static_cast<std::size_t>(wanted.length);
        lt::disk_buffer_holder buffer(heap, new char[size], wanted.length);
        const std::span<std::uint8_t> into(reinterpret_cast<std::uint8_t*>(buffer.data()), size);
        const bool is_read =
            !pieces_->is_closed() &&
            pieces_->read(ours(wanted.piece), static_cast<std::uint32_t>(wanted.start), into);
        later([handler = std::move(handler), buffer = std::move(buffer), is_read]() mutable {
            handler(std::move(buffer),
                    is_read ? lt::storage_error{} : failure(lt::operation_t::file_read));
        });
    }

    bool async_write(lt::storage_index_t, const lt::peer_request& block, const char* bytes,
                     std::shared_ptr<lt::disk_observer>,
                     std::function<void(const lt::storage_error&)> handler,
                     lt::disk_job_flags_t) override {
        if (!pieces_->is_closed())
            pieces_->keep(ours(block.piece), static_cast<std::uint32_t>(block.start),
                          {reinterpret_cast<const std::uint8_t*>(bytes),
                           static_cast<std::size_t>(block.length)});
        later([handler = std::move(handler)] { handler({}); });
        return false;  // there is room for more: what is above the limit went to the file
    }

    void async_hash(
        lt::storage_index_t, lt::piece_index_t piece, lt::span<lt::sha256_hash> leaves,
        lt::disk_job_flags_t,
        std::function<void(lt::piece_index_t, const lt::sha1_hash&, const lt::storage_error&)>
            handler) override {
        if (pieces_->is_closed()) return;
        auto kept = std::make_shared<decltype(handler)>(std::move(handler));
        pieces_->judge(ours(piece), [calls = calls_, piece, leaves,
                                     kept](const IncomingPieces::Verdict& verdict) {
            if (!verdict.store_error.empty()) calls->on_store_failed(verdict.store_error);
            // Verified, then served and announced: HTTP's clients hear it first, the swarm next.
            if (verdict.is_new) calls->on_brought(ours(piece));
            if (!verdict.is_right && !verdict.leaves.empty()) calls->on_wrong(ours(piece));
            const auto count =
                std::min(static_cast<std::size_t>(leaves.size()), verdict.leaves.size());
            for (std::size_t i = 0; i < count; ++i)
                std::copy(verdict.leaves[i].bytes.begin(), verdict.leaves[i].bytes.end(),
                          leaves[static_cast<std::ptrdiff_t>(i)].begin());
            const bool is_kept = verdict.store_error.empty() && !verdict.leaves.empty();
            (*kept)(piece, {},
                    is_kept ? lt::storage_error{} : failure(lt::operation_t::file_write));
        });
    }

    void async_hash2(
        lt::storage_index_t, lt::piece_index_t piece, int offset, lt::disk_job_flags_t,
        std::function<void(lt::piece_index_t, const lt::sha256_hash&, const lt::storage_error&)>
            handler) override {
        if (pieces_->is_closed()) return;
        pieces_->hash_leaf(ours(piece), static_cast<std::uint32_t>(offset),
                           [piece, handler = std::move(handler)](const image::Digest* leaf) {
                               lt::sha256_hash hash;
                               if (leaf != nullptr)
                                   std::copy(leaf->bytes.begin(), leaf->bytes.end(), hash.begin());
                               handler(piece, hash,
                                       leaf != nullptr ? lt::storage_error{}
                                                       : failure(lt::operation_t::file_read));
                           });
    }

    void async_clear_piece(lt::storage_index_t, lt::piece_index_t piece,
                           std::function<void(lt::piece_index_t)> handler) override {
        // Nothing is taken away: blocks that are known to be right are not fetched again, all
        // others come anew and over what is there.
        later([piece, handler = std::move(handler)] { handler(piece); });
    }

    // What is there was said when the torrent was added.
    void async_check_files(
        lt::storage_index_t, const lt::add_torrent_params*,
        lt::aux::vector<std::string, lt::file_index_t>,
        std::function<void(lt::status_t, const lt::storage_error&)> handler) override {
        later([calls = calls_, pieces = pieces_, handler = std::move(handler)] {
            handler(lt::status_t::no_error, {});
            if (!pieces->is_closed()) calls->on_ready();
        });
    }

    void async_stop_torrent(lt::storage_index_t, std::function<void()> handler) override {
        if (handler) later(std::move(handler));
    }
    void async_release_files(lt::storage_index_t, std::function<void()> handler) override {
        if (handler) later(std::move(handler));
    }

    // --- what a device's store does not do ---------------------------------------------------

    void async_move_storage(
        lt::storage_index_t, std::string path, lt::move_flags_t,
        std::function<void(lt::status_t, const std::string&, const lt::storage_error&)> handler)
        override {
        later([path = std::move(path), handler = std::move(handler)] {
            handler(lt::status_t::fatal_disk_error, path, unsupported());
        });
    }
    void async_rename_file(
        lt::storage_index_t, lt::file_index_t file, std::string name,
        std::function<void(const std::string&, lt::file_index_t, const lt::storage_error&)> handler)
        override {
        later([file, name = std::move(name), handler = std::move(handler)] {
            handler(name, file, unsupported());
        });
    }
    void async_delete_files(lt::storage_index_t, lt::remove_flags_t,
                            std::function<void(const lt::storage_error&)> handler) override {
        later([handler = std::move(handler)] { handler(unsupported()); });
    }
    void async_set_file_priority(
        lt::storage_index_t, lt::aux::vector<lt::download_priority_t, lt::file_index_t> priorities,
        std::function<void(const lt::storage_error&,
                           lt::aux::vector<lt::download_priority_t, lt::file_index_t>)>
            handler) override {
        later([priorities = std::move(priorities), handler = std::move(handler)] {
            handler(unsupported(), priorities);
        });
    }

    void update_stats_counters(lt::counters&) const override {}
    std::vector<lt::open_file_state> get_status(lt::storage_index_t) const override { return {}; }
    void abort(bool) override {}
    void submit_jobs() override {}
    void settings_updated() override {}

private:
    template <class Handler>
    void later(Handler handler) {
        boost::asio::post(io_, std::move(handler));
    }
    boost::asio::io_context& io_;
    const std::shared_ptr<IncomingPieces> pieces_;
    const std::shared_ptr<const DiskCalls> calls_;
};

}  // namespace

std::unique_ptr<lt::disk_interface> make_store_disk(boost::asio::io_context& io,
                                                    std::shared_ptr<IncomingPieces> pieces,
                                                    DiskCalls calls) {
    return std::make_unique<StoreDisk>(io, std::move(pieces), std::move(calls));
}

}  // namespace sluice::agent::swarm
