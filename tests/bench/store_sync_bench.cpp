// What making pieces durable costs the cut-through (docs/adr/0002). Pieces arrive at a line's rate,
// a worker verifies and writes them, a server sends each to a neighbour as soon as it is written.
// Beside this: no sync at all, one at the end, one a piece, batches on the worker, batches on a
// thread of their own. On this machine's disk, and on one that syncs at the pace of a gateway's
// flash.
//
//     bench_store_sync [folder]

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "agent/piece_store.hpp"
#include "agent/sync_thread.hpp"
#include "tests/agent/store/test_image.hpp"

namespace sluice::agent {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

enum class Mode { none, at_end, each_piece, batches_on_worker, batches_on_thread };
constexpr const char* kNames[] = {"no sync", "one sync at the end", "a sync each piece",
                                  "4 MiB batches on the worker", "2 MiB batches, own thread"};

// The real disk, but a sync takes as long as flash of `bytes_per_second` needs for what was
// written.
class FlashFile final : public disk::File {
public:
    FlashFile(std::unique_ptr<disk::File> file, double bytes_per_second)
        : file_(std::move(file)), bytes_per_second_(bytes_per_second) {}
    disk::DiskResult<std::size_t> pread(std::uint64_t offset,
                                        std::span<std::uint8_t> into) const override {
        return file_->pread(offset, into);
    }
    disk::DiskResult<void> pwrite(std::uint64_t offset, ByteView bytes) override {
        dirty_ += bytes.size();
        return file_->pwrite(offset, bytes);
    }
    disk::DiskResult<void> sync_data() override {
        const auto dirty = static_cast<double>(dirty_.exchange(0));
        const auto until =
            Clock::now() + std::chrono::duration_cast<Clock::duration>(
                               std::chrono::duration<double>(dirty / bytes_per_second_));
        auto synced = file_->sync_data();
        if (bytes_per_second_ < 1e12) std::this_thread::sleep_until(until);
        return synced;
    }
    disk::DiskResult<void> truncate(std::uint64_t length) override {
        return file_->truncate(length);
    }
    disk::DiskResult<void> allocate(std::uint64_t length) override {
        return file_->allocate(length);
    }
    disk::DiskResult<std::uint64_t> length() const override { return file_->length(); }
    disk::DiskResult<std::uint64_t> next_data(std::uint64_t offset) const override {
        return file_->next_data(offset);
    }
    void drop_cache() const override { file_->drop_cache(); }
    int fd() const override { return file_->fd(); }

private:
    const std::unique_ptr<disk::File> file_;
    const double bytes_per_second_;
    std::atomic<std::uint64_t> dirty_{0};
};

class FlashDisk final : public disk::Disk {
public:
    explicit FlashDisk(double bytes_per_second) : bytes_per_second_(bytes_per_second) {}
    disk::DiskResult<std::unique_ptr<disk::File>> open(const std::string& path,
                                                       disk::Open how) override {
        SLUICE_TRY(auto file, disk_->open(path, how));
        return std::unique_ptr<disk::File>(
            std::make_unique<FlashFile>(std::move(file), bytes_per_second_));
    }
    disk::DiskResult<void> make_directory(const std::string& path) override {
        return disk_->make_directory(path);
    }
    disk::DiskResult<void> sync_directory(const std::string& path) override {
        return disk_->sync_directory(path);
    }
    disk::DiskResult<void> rename(const std::string& from, const std::string& to) override {
        return disk_->rename(from, to);
    }
    disk::DiskResult<void> remove_file(const std::string& path) override {
        return disk_->remove_file(path);
    }
    disk::DiskResult<void> remove_directory(const std::string& path) override {
        return disk_->remove_directory(path);
    }
    disk::DiskResult<std::vector<disk::Entry>> list(const std::string& path) override {
        return disk_->list(path);
    }
    disk::DiskResult<void> set_modified(const std::string& path, UtcTime at) override {
        return disk_->set_modified(path, at);
    }

private:
    const std::unique_ptr<disk::Disk> disk_ = disk::posix_disk();
    const double bytes_per_second_;
};

// Pieces from one thread to the next; nothing ends it.
class Queue {
public:
    void push(PieceIndex piece) {
        const std::lock_guard lock(mutex_);
        pieces_.push_back(piece);
        ready_.notify_one();
    }
    PieceIndex pop() {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return !pieces_.empty(); });
        const auto piece = pieces_.front();
        pieces_.pop_front();
        return piece;
    }

private:
    std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<PieceIndex> pieces_;
};

struct Numbers {
    double ready_p50, ready_p99, ready_max;  // ms from a piece's arrival until it can be served
    double send_p50, send_p99, send_max;     // ms of one sendfile of a piece
    double last_ready, durable;              // s from the first arrival
};

double at(std::vector<double>& sorted, double share) {
    std::sort(sorted.begin(), sorted.end());
    return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

void read_all(int socket) {
    std::vector<char> buffer(256 * 1024);
    while (::read(socket, buffer.data(), buffer.size()) > 0) {
    }
}

Numbers measure(const TestImage& image, const std::string& root, Mode mode, double line_bytes,
                double flash_bytes) {
    FlashDisk disk(flash_bytes);
    std::filesystem::remove_all(root);
    std::filesystem::create_directories(root);
    StoreLimits limits;
    if (mode == Mode::none || mode == Mode::at_end) limits.window_bytes = ~std::uint64_t{0};
    const auto store = PieceStore::open(disk, root, image.id, image.layout, limits).value();
    std::optional<SyncThread> syncing;
    if (mode == Mode::batches_on_thread) syncing.emplace(*store);

    const auto layer = image.layer();
    const auto count = image.layout.piece_count();
    std::vector<Clock::time_point> arrived(count);
    std::vector<double> ready, sent;
    Queue to_worker, to_server;
    int sockets[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) std::abort();
    std::thread neighbour([&] { read_all(sockets[1]); });
    std::thread server([&] {
        for (std::uint32_t n = 0; n < count; ++n) {
            const auto piece = to_server.pop();
            auto offset = static_cast<off_t>(image.layout.offset_of(piece));
            const auto end = offset + static_cast<off_t>(image.layout.size_of(piece));
            const auto begin = Clock::now();
            while (offset < end)
                if (::sendfile(sockets[0], store->fd(), &offset,
                               static_cast<std::size_t>(end - offset)) <= 0)
                    std::abort();
            sent.push_back(Milliseconds(Clock::now() - begin).count());
        }
    });
    std::thread worker([&] {
        for (std::uint32_t n = 0; n < count; ++n) {
            const auto piece = to_worker.pop();
            if (!layer.is_verified(piece, image.piece(piece))) std::abort();
            if (!store->write_piece(piece, image.piece(piece))) std::abort();
            if (mode == Mode::each_piece && !store->sync()) std::abort();
            ready.push_back(Milliseconds(Clock::now() - arrived[piece.value]).count());
            to_server.push(piece);
        }
    });
    const auto begin = Clock::now();
    for (PieceIndex piece{0}; piece.value < count; ++piece.value) {
        const auto due = static_cast<double>(image.layout.offset_of(piece)) / line_bytes;
        std::this_thread::sleep_until(begin + std::chrono::duration_cast<Clock::duration>(
                                                  std::chrono::duration<double>(due)));
        arrived[piece.value] = Clock::now();
        to_worker.push(piece);
    }
    worker.join();
    const std::chrono::duration<double> last_ready = Clock::now() - begin;
    if (mode != Mode::none && !store->sync()) std::abort();
    const std::chrono::duration<double> durable = Clock::now() - begin;
    server.join();
    ::close(sockets[0]);
    neighbour.join();
    ::close(sockets[1]);
    return {at(ready, .5), at(ready, .99), at(ready, 1),       at(sent, .5),
            at(sent, .99), at(sent, 1),    last_ready.count(), durable.count()};
}

void compare(const TestImage& image, const std::string& root, const char* what, double line_bytes,
             double flash_bytes) {
    std::printf("\n%s, bound %.2f s\n%-28s %25s %25s %8s %8s\n", what,
                static_cast<double>(image.layout.length) / line_bytes, "(median of 3 runs)",
                "ready ms p50/p99/max", "sendfile ms p50/p99/max", "last s", "durable");
    for (const Mode mode : {Mode::none, Mode::at_end, Mode::each_piece, Mode::batches_on_worker,
                            Mode::batches_on_thread}) {
        std::vector<Numbers> runs;
        for (int i = 0; i < 3; ++i)
            runs.push_back(measure(image, root, mode, line_bytes, flash_bytes));
        std::sort(runs.begin(), runs.end(),
                  [](const Numbers& a, const Numbers& b) { return a.last_ready < b.last_ready; });
        const auto& n = runs[1];
        std::printf("%-28s %9.2f %7.2f %7.1f %9.2f %7.2f %7.1f %8.3f %8.3f\n",
                    kNames[static_cast<int>(mode)], n.ready_p50, n.ready_p99, n.ready_max,
                    n.send_p50, n.send_p99, n.send_max, n.last_ready, n.durable);
        std::fflush(stdout);
    }
}

}  // namespace
}  // namespace sluice::agent

int main(int argc, char** argv) {
    using namespace sluice::agent;
    const std::string root = std::string(argc > 1 ? argv[1] : "/tmp") + "/sluice-store-sync";
    const auto image = make_test_image(7, std::uint64_t{32} << 20, 128 * 1024);
    compare(image, root, "100 Mbit/s, this disk", 12.5e6, 1e15);
    compare(image, root, "1 Gbit/s, this disk", 125e6, 1e15);
    compare(image, root, "100 Mbit/s, flash that syncs 20 MB/s", 12.5e6, 20e6);
    compare(image, root, "100 Mbit/s, flash that syncs 8 MB/s", 12.5e6, 8e6);
    std::filesystem::remove_all(root);
    return 0;
}
