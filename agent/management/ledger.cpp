#include "agent/management/ledger.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "engine/net/log.hpp"

namespace sluice::agent::management {
namespace {

constexpr char kFile[] = "state.json";
constexpr char kSetAside[] = "state.json.unreadable";

Result<void> write(disk::Disk& disk, const std::string& folder, const std::string& text) {
    SLUICE_CHECK(disk::write_small_file(disk, folder, kFile, as_bytes(text)));
    return success();
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(boost::asio::io_context& io, disk::Disk& disk,
                                             std::string folder) {
    const auto path = folder + "/" + kFile;
    std::unique_ptr<Ledger> ledger(new Ledger(io, disk, folder));
    // What a process left that was killed behind its rename is acted on from here: a cut must not
    // take it back.
    (void)disk.sync_directory(folder);
    const auto bytes = disk::read_small_file(disk, path, kMaxStateBytes);
    if (!bytes && bytes.error().is_missing()) return ledger;
    const bool is_passing = !bytes && bytes.error().code != EIO && bytes.error().code != EFBIG;
    if (is_passing) return Error{bytes.error().message};
    auto state = bytes ? parse_state(as_text(bytes.value())) : Error{bytes.error().message};
    if (state) {
        ledger->state = std::move(state).value();
        return ledger;
    }
    net::log(net::LogLevel::error, path + " is set aside: " + state.error().message);
    (void)disk.rename(path, folder + "/" + kSetAside);
    return ledger;
}

void Ledger::save(Then then) {
    worker_.post([this, text = to_json(state), then = std::move(then)] {
        auto done = write(disk_, folder_, text);
        boost::asio::post(io_, [then, done = std::move(done)] { then(done); });
    });
}

void Ledger::save() {
    save([](const Result<void>& done) {
        if (!done) net::log_warning("device state: " + done.error().message);
    });
}

Result<void> Ledger::save_now() {
    return write(disk_, folder_, to_json(state));
}

}  // namespace sluice::agent::management
