#include "acs-plugin/store/store.hpp"

#include <mutex>
#include <optional>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <utility>

#include "acs-plugin/store/file_lock.hpp"
#include "acs-plugin/store/job_thread.hpp"
#include "acs-plugin/store/schema.hpp"
#include "acs-plugin/store/tables.hpp"

namespace sluice::store {
namespace {

// Only a checkpoint of our own can be in a reader's way, and that is short.
constexpr int kBusySeconds = 10;

// In SOCI's own words: key=value, a value with spaces in quotes.
std::string connection_text(const StoreOptions& options) {
    auto out = "dbname=\"" + options.url + "\" timeout=" + std::to_string(kBusySeconds);
    if (!options.vfs.empty()) out += " vfs=" + options.vfs;
    return out;
}

// Runs `work`, which returns a Result; SOCI's exceptions become one too. Its what() would carry
// the values bound to the statement, secrets among them: only SQLite's own words are taken.
template <class Work>
auto guarded(const std::string& path, Work work) -> decltype(work()) {
    try {
        auto result = work();
        if (result.has_value()) return result;
        return std::move(result).error();
    } catch (const soci::soci_error& e) {
        auto message = e.get_error_message();
        if (!message.starts_with(path)) message = path + ": " + message;
        return Error{std::move(message)};
    } catch (const std::exception& e) {
        return Error{path + ": " + e.what()};
    }
}

struct Commit {
    service::Changes rows;
    std::function<void(Result<void>)> done;
};

}  // namespace

struct Store::Impl {
    Impl(StoreOptions o, Post p, FileLock l)
        : options(std::move(o)), post(std::move(p)), lock(std::move(l)) {}

    Result<void> open();
    void write_waiting();
    Result<void> write(const std::vector<Commit>& batch);
    Result<std::vector<service::EventRow>> events(const service::EventQuery& query);

    const StoreOptions options;
    const Post post;
    const FileLock lock;
    soci::session db;  // the writer thread's, once there is a commit
    std::optional<Tables> tables;
    std::optional<std::string> failure;  // the writer thread's: nothing is written after it
    soci::session reading_db;            // the reader thread's
    bool is_reading_open = false;

    std::mutex mutex;
    std::vector<Commit> waiting;  // a job is on its way whenever this is not empty
    // Last: they end, and with them all use of the above, first.
    JobThread reader;
    JobThread writer;
};

Result<void> Store::Impl::open() {
    return guarded(options.url, [&]() -> Result<void> {
        db.open(soci::sqlite3, connection_text(options));
        SLUICE_CHECK(open_schema(db, options.url, options.checkpoint_pages));
        tables.emplace(db);
        return success();
    });
}

// Everything that waits is one transaction: the longer a sync takes, the more the next one carries.
void Store::Impl::write_waiting() {
    std::vector<Commit> batch;
    {
        const std::lock_guard guard(mutex);
        batch.swap(waiting);
    }
    if (!failure) {
        const auto written = write(batch);
        if (!written.has_value()) failure = written.error().message;
    }
    for (auto& commit : batch)
        post([done = std::move(commit.done), why = failure] {
            why ? done(Error{*why}) : done(success());
        });
}

Result<void> Store::Impl::write(const std::vector<Commit>& batch) {
    return guarded(options.url, [&]() -> Result<void> {
        soci::transaction all(db);
        const auto is_last = [](const service::Row& row) {
            return std::holds_alternative<service::DeviceGone>(row);
        };
        for (const auto& commit : batch) {
            for (const auto& row : commit.rows)
                if (!is_last(row)) tables->write(row);
            for (const auto& row : commit.rows)
                if (is_last(row)) tables->write(row);
        }
        all.commit();
        return success();
    });
}

Result<std::vector<service::EventRow>> Store::Impl::events(const service::EventQuery& query) {
    return guarded(options.url, [&]() -> Result<std::vector<service::EventRow>> {
        if (!is_reading_open) reading_db.open(soci::sqlite3, connection_text(options));
        is_reading_open = true;
        return read_events(reading_db, query);
    });
}

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options, Post post) {
    if (options.url.find('"') != std::string::npos)
        return Error{options.url + ": a store's path has no quotation marks"};
    SLUICE_TRY(auto lock, FileLock::take(options.url));
    if (options.vfs.empty()) SLUICE_CHECK(make_private_file(options.url));
    auto impl = std::make_unique<Impl>(options, std::move(post), std::move(lock));
    SLUICE_CHECK(impl->open());
    return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<std::vector<service::Row>> Store::load() {
    return guarded(impl_->options.url, [&]() -> Result<std::vector<service::Row>> {
        auto rows = read_rows(impl_->db);
        if (!rows.has_value()) return std::move(rows).error().within(impl_->options.url);
        return rows;
    });
}

void Store::commit(service::Changes rows, std::function<void(Result<void>)> done) {
    auto& impl = *impl_;
    {
        const std::lock_guard guard(impl.mutex);
        impl.waiting.push_back({std::move(rows), std::move(done)});
        if (impl.waiting.size() > 1) return;
    }
    impl.writer.run([&impl] { impl.write_waiting(); });
}

void Store::history(service::EventQuery query,
                    std::function<void(Result<std::vector<service::EventRow>>)> done) {
    auto& impl = *impl_;
    impl.reader.run([&impl, query = std::move(query), done = std::move(done)] {
        impl.post([done, rows = impl.events(query)] { done(rows); });
    });
}

}  // namespace sluice::store
