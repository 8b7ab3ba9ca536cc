#pragma once
// Files on their way from an operator onto the shelf: announced with what they must turn out to be,
// sent in portions in order, verified at the last one. A portion that came twice or too early is
// told where the file stands, so that a client whose connection broke goes on from there.
//
// Files are written and synced on a thread of its own; everything else happens on the io_context's.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "acs-plugin/origin/shelf.hpp"
#include "acs-plugin/service/rows.hpp"
#include "engine/base/time.hpp"

namespace boost::asio {
class io_context;
class thread_pool;
}  // namespace boost::asio

namespace sluice::rest {

// What an announcement says: the row as it will be published, and the bytes it needs.
struct Announced {
    service::ImageRow row;
    origin::Expected expected;
};
// {"manifest": "<DSSE envelope>"} or {"configuration": {"name", "version", "length", "sha256"}}.
Result<Announced> parse_announcement(std::string_view json);

struct Standing {
    service::ImageRow row;
    std::uint64_t received = 0;
};

class Publishing {
public:
    Publishing(boost::asio::io_context& io, origin::Shelf& shelf);
    ~Publishing();
    Publishing(const Publishing&) = delete;
    Publishing& operator=(const Publishing&) = delete;

    // One that is under way for the same file goes on. Refused: too many at a time.
    Result<Standing> begin(const Announced& announced, service::WallTime now);
    std::optional<Standing> find(std::string_view id) const;
    bool is_busy(std::string_view id) const;
    // One whose bytes are all here stays until it is taken, or let go of as often as held: other
    // nodes take their copies.
    void hold(std::string_view id);
    void let_go(std::string_view id, service::WallTime now);

    // The bytes from find()->received on. Not while is_busy. `done` says where the file stands;
    // with all bytes received it is on the shelf, whole and durable, and stands so until it is
    // taken. An error: the upload is over.
    void put(std::string_view id, std::string bytes, service::WallTime now,
             std::function<void(Result<Standing>)> done);
    // The upload is over; of one that was not under way nothing.
    std::optional<Standing> take(std::string_view id);

private:
    struct Each {
        service::ImageRow row;
        std::shared_ptr<origin::Upload> upload;  // the worker's while is_busy; null: it is whole
        std::uint64_t received = 0;
        bool is_busy = false;
        std::uint32_t holders = 0;
        service::WallTime used;
    };
    void drop_the_abandoned(service::WallTime now);

    boost::asio::io_context& io_;
    origin::Shelf& shelf_;
    std::map<std::string, Each, std::less<>> all_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();  // for what comes back from the worker
    std::unique_ptr<boost::asio::thread_pool> worker_;
};

}  // namespace sluice::rest
