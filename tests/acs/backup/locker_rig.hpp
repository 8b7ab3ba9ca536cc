#pragma once
// A locker over a real store, driven by the test's own thread: nothing happens but in until().

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <set>

#include "acs-plugin/backup/locker.hpp"
#include "tests/store/opened_store.hpp"

namespace sluice::backup {

inline KeyRing a_ring(const std::string& lines = "spring:" + std::string(64, 'a')) {
    auto out = KeyRing::parse(lines);
    EXPECT_TRUE(out.has_value()) << out.error().message;
    return std::move(out).value();
}
inline std::string both_keys() {
    return "summer:" + std::string(64, 'b') + "\nspring:" + std::string(64, 'a') + "\n";
}

class LockerRig {
public:
    explicit LockerRig(std::string vfs = {}) : vfs_(std::move(vfs)) {}
    ~LockerRig() { stop(); }

    // False: the store does not open.
    bool start(const std::string& keys = "spring:" + std::string(64, 'a')) {
        auto opened = store::Store::open(
            {vfs_.empty() ? file_.path() : "acs.db", vfs_},
            [this](std::function<void()> job) { boost::asio::post(io_, std::move(job)); });
        if (!opened.has_value()) return false;
        store = std::move(opened).value();
        auto rows = store->load();
        if (!rows.has_value()) return false;
        LockerOptions options;
        options.origin_url = "http://origin.example";
        options.kept = 2;
        options.wall_time = [this] { return now; };
        options.random = [this](std::span<std::uint8_t> out) {
            for (auto& byte : out) byte = static_cast<std::uint8_t>(++drawn_ * 37);
        };
        options.commit = [this](service::Changes changes, auto done) {
            if (refuses_commits) return done(Error{"no room on the device"});
            store->commit(std::move(changes), std::move(done));
        };
        options.rows = [this](auto query, auto done) {
            store->backups(std::move(query), std::move(done));
        };
        options.bytes = [this](auto id, auto done) { store->backup_bytes(id, std::move(done)); };
        options.tally = [this](auto done) { store->count_backups(std::move(done)); };
        options.is_open = [this](const std::string& identity, const std::string& rollout,
                                 std::uint32_t number) {
            return !is_over.contains(identity + " " + rollout + " " + std::to_string(number));
        };
        options.versions = [](const std::string&) { return std::pair{"4.2.0", "cfg-9"}; };
        options.log = [this](const std::string& line) { lines.push_back(line); };
        locker = std::make_unique<Locker>(a_ring(keys), std::move(options));
        for (const auto& row : rows.value())
            if (const auto* backup = std::get_if<service::BackupRow>(&row))
                locker->restore(*backup);
        return true;
    }
    void stop() {
        locker.reset();
        store.reset();
        io_.restart();
        io_.poll();
    }

    // Runs what is under way until `is_done`, at most ten seconds.
    template <class IsDone>
    bool until(IsDone is_done) {
        for (const auto end = std::chrono::steady_clock::now() + 10s;
             !is_done() && std::chrono::steady_clock::now() < end;) {
            io_.restart();
            io_.run_one_for(100ms);
        }
        return is_done();
    }
    template <class Answer>
    Answer wait_for(std::function<void(std::function<void(Answer)>)> ask) {
        std::optional<Answer> out;
        ask([&](Answer answer) { out.emplace(std::move(answer)); });
        EXPECT_TRUE(until([&] { return out.has_value(); }));
        return std::move(out).value();
    }

    Word put(const std::string& bytes, std::uint32_t number = 1, const std::string& identity = "a",
             const std::string& rollout = "r") {
        Claim claim;
        claim.number = number;
        claim.rollout = rollout;
        claim.tag = tag_of(identity);
        return wait_for<Word>(
            [&](auto done) { locker->put(claim, identity, bytes, std::move(done)); });
    }
    std::pair<Word, std::string> get(std::uint64_t backup, const std::string& identity = "a") {
        Claim claim;
        claim.way = Way::down;
        claim.backup = backup;
        std::optional<std::pair<Word, std::string>> out;
        locker->get(claim, identity, [&](Word word, const Bytes& bytes) {
            out.emplace(word, std::string(as_text(bytes)));
        });
        EXPECT_TRUE(until([&] { return out.has_value(); }));
        return std::move(out).value();
    }
    // What an operator reads, or why not.
    std::string read(std::uint64_t backup) {
        const auto out = wait_for<Result<Locker::Opened>>(
            [&](auto done) { locker->read(backup, std::move(done)); });
        return out.has_value() ? std::string(as_text(out.value().second))
                               : "! " + out.error().message;
    }
    std::vector<service::BackupRow> rows(service::BackupQuery query = {}) {
        return wait_for<Result<std::vector<service::BackupRow>>>(
                   [&](auto done) { locker->list(query, std::move(done)); })
            .value();
    }
    std::vector<std::uint64_t> ids() {
        std::vector<std::uint64_t> out;
        for (const auto& row : rows()) out.push_back(row.id);
        return out;
    }
    Result<void> commit(service::Changes changes) {
        return wait_for<Result<void>>(
            [&](auto done) { store->commit(std::move(changes), std::move(done)); });
    }
    RotationView rotation() {
        return wait_for<Result<RotationView>>([&](auto done) { locker->rotation(std::move(done)); })
            .value();
    }
    // To the end.
    RotationView rotated() {
        locker->rotate();
        until([&] { return !rotation().is_running; });
        return rotation();
    }

    std::unique_ptr<store::Store> store;
    std::unique_ptr<Locker> locker;
    service::WallTime now{1'772'366'400'000};
    bool refuses_commits = false;
    std::set<std::string> is_over;  // "<identity> <rollout> <number>": orders
    std::vector<std::string> lines;

private:
    boost::asio::io_context io_{1};
    store::StoreFile file_;
    const std::string vfs_;
    std::uint64_t drawn_ = 0;
};

}  // namespace sluice::backup
