#include "acs-plugin/store/store.hpp"

#include <mutex>
#include <optional>
#include <utility>

#include "acs-plugin/store/file_lock.hpp"
#include "acs-plugin/store/job_thread.hpp"
#include "acs-plugin/store/postgres_database.hpp"
#include "acs-plugin/store/sqlite_database.hpp"
#include "acs-plugin/store/statements.hpp"

namespace sluice::store {
namespace {

constexpr std::int64_t kDayMs = 24 * 3600 * 1000;

struct Commit {
    service::Changes rows;
    std::function<void(Result<void>)> done;
};

}  // namespace

bool is_shared(const std::string& url) {
    return url.starts_with("postgresql://") || url.starts_with("postgres://");
}

struct Store::Impl {
    Impl(StoreOptions o, Post p) : options(std::move(o)), post(std::move(p)) {}
    ~Impl();

    Result<void> open_file();
    Result<void> open_server();
    Result<void> open_reader();
    void take_news(const LeaseNews& news);
    void write_waiting();
    Result<void> write(const std::vector<Commit>& batch);
    Result<void> write(const std::vector<Statement>& statements);
    template <class Answer>
    void ask(std::function<Result<Answer>(Database&)> read,
             std::function<void(Result<Answer>)> done);

    const StoreOptions options;
    const Post post;
    std::optional<FileLock> lock;        // of a file
    PostgresDatabase* server = nullptr;  // `db`, where it is one
    std::unique_ptr<Database> db;        // the writer thread's, once there is a commit
    std::unique_ptr<Database> reader_db;
    std::uint64_t last_event = 0;        // the writer thread's
    std::optional<std::string> failure;  // the writer thread's: nothing is written after it
    std::function<void(const LeaseNews&)> tell;

    std::mutex mutex;
    std::vector<Commit> waiting;  // a job is on its way whenever this is not empty
    bool is_closing = false;
    std::unique_ptr<JobThread> reader = std::make_unique<JobThread>();
    std::unique_ptr<JobThread> writer = std::make_unique<JobThread>();
    std::unique_ptr<LeaseKeeper> keeper;
};

Store::Impl::~Impl() {
    {
        const std::lock_guard guard(mutex);
        is_closing = true;
    }
    if (server != nullptr) server->hurry();
    reader.reset();
    writer.reset();  // what was given to it is written first
    keeper.reset();  // and only then may another node go on
}

// --- opening ----------------------------------------------------------------------------------

Result<void> Store::Impl::open_file() {
    SLUICE_TRY(auto taken, FileLock::take(options.url));
    lock.emplace(std::move(taken));
    if (options.vfs.empty()) SLUICE_CHECK(make_private_file(options.url));
    SLUICE_TRY(auto file,
               SqliteDatabase::open({options.url, options.vfs, options.checkpoint_pages}));
    SLUICE_TRY(last_event, file->last_event());
    db = std::move(file);
    return success();
}

Result<void> Store::Impl::open_server() {
    SLUICE_TRY(auto opened, PostgresDatabase::open(options.url, options.log));
    server = opened.get();
    db = std::move(opened);
    return success();
}

Result<void> Store::Impl::open_reader() {
    if (reader_db) return success();
    if (server != nullptr) {
        reader_db = PostgresDatabase::open_to_read(options.url);
        return success();
    }
    SLUICE_TRY(reader_db, SqliteDatabase::open_to_read({options.url, options.vfs}));
    return success();
}

Result<std::unique_ptr<Store>> Store::open(const StoreOptions& options, Post post) {
    auto impl = std::make_unique<Impl>(options, std::move(post));
    SLUICE_CHECK(is_shared(options.url) ? impl->open_server() : impl->open_file());
    return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

// --- whose it is ------------------------------------------------------------------------------

void Store::hold(LeaseTerms terms, std::function<void(const LeaseNews&)> tell) {
    auto& impl = *impl_;
    impl.tell = std::move(tell);
    if (impl.server == nullptr)
        return impl.post([tell = impl.tell] { tell({LeaseNews::Whose::ours, {}, {}}); });
    impl.keeper =
        std::make_unique<LeaseKeeper>(impl.options.url, std::move(terms),
                                      [&impl](const LeaseNews& news) { impl.take_news(news); });
}

// On the keeper's thread. The writer learns of it first.
void Store::Impl::take_news(const LeaseNews& news) {
    const std::lock_guard guard(mutex);
    if (is_closing) return;
    writer->run([this, news] {
        if (news.whose == LeaseNews::Whose::ours && server->own(news.row))
            last_event = news.row.last_event;
        post([tell = tell, news] { tell(news); });
    });
}

bool Store::is_ours() const {
    return impl_->server == nullptr || (impl_->keeper && impl_->keeper->is_safe());
}

// --- writing ----------------------------------------------------------------------------------

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
    std::vector<Statement> statements;
    for (const auto& commit : batch) add_statements(commit.rows, last_event, statements);
    return write(statements);
}

Result<void> Store::Impl::write(const std::vector<Statement>& statements) {
    if (statements.empty()) return success();
    if (server != nullptr) server->set_last_event(last_event);
    return db->write(statements);
}

void Store::commit(service::Changes rows, std::function<void(Result<void>)> done) {
    auto& impl = *impl_;
    {
        const std::lock_guard guard(impl.mutex);
        impl.waiting.push_back({std::move(rows), std::move(done)});
        if (impl.waiting.size() > 1) return;
    }
    impl.writer->run([&impl] { impl.write_waiting(); });
}

void Store::trim(service::WallTime now, const HistoryTerms& terms) {
    auto& impl = *impl_;
    impl.writer->run([&impl, now, terms] {
        if (impl.failure) return;
        Retention retention;
        retention.events_before = {now.unix_ms - std::int64_t{terms.days} * kDayMs};
        retention.events_up_to = impl.last_event - std::min(impl.last_event, terms.events);
        retention.idempotency_before = {now.unix_ms - kDayMs};
        retention.most_answers = terms.answers;
        retention.backups_before = {now.unix_ms - std::int64_t{terms.backup_days} * kDayMs};
        const auto written = impl.write(trimming(retention));
        if (!written.has_value()) impl.failure = written.error().message;
    });
}

// --- reading ----------------------------------------------------------------------------------

Result<std::vector<service::Row>> Store::load() {
    std::vector<service::Row> out;
    SLUICE_CHECK(read_rows(*impl_->db, [&](service::Row&& row) { out.push_back(std::move(row)); }));
    return out;
}

Result<void> Store::load_each(const std::function<Result<void>(service::Row&&)>& take) {
    Result<void> taken = success();
    SLUICE_CHECK(read_rows(*impl_->db, [&](service::Row&& row) {
        if (taken.has_value()) taken = take(std::move(row));
    }));
    return taken;
}

// `read` on the reader's thread, and what came of it to `done`.
template <class Answer>
void Store::Impl::ask(std::function<Result<Answer>(Database&)> read,
                      std::function<void(Result<Answer>)> done) {
    reader->run([this, read = std::move(read), done = std::move(done)] {
        auto answer = [&]() -> Result<Answer> {
            SLUICE_CHECK(open_reader());
            return read(*reader_db);
        };
        post([done, answer = answer()] { done(answer); });
    });
}

void Store::history(service::EventQuery query,
                    std::function<void(Result<std::vector<service::EventRow>>)> done) {
    impl_->ask<std::vector<service::EventRow>>(
        [query = std::move(query)](Database& db) { return read_events(db, query); },
        std::move(done));
}

void Store::parts(std::string rollout, service::RolloutDeviceQuery query,
                  std::function<void(Result<std::vector<service::RolloutDeviceRow>>)> done) {
    impl_->ask<std::vector<service::RolloutDeviceRow>>(
        [rollout = std::move(rollout), query = std::move(query)](Database& db) {
            return read_parts(db, rollout, query);
        },
        std::move(done));
}

void Store::backups(service::BackupQuery query,
                    std::function<void(Result<std::vector<service::BackupRow>>)> done) {
    impl_->ask<std::vector<service::BackupRow>>(
        [query = std::move(query)](Database& db) { return read_backups(db, query); },
        std::move(done));
}

void Store::backup_bytes(std::uint64_t id,
                         std::function<void(Result<std::optional<std::string>>)> done) {
    impl_->ask<std::optional<std::string>>([id](Database& db) { return read_backup_bytes(db, id); },
                                           std::move(done));
}

void Store::count_backups(std::function<void(Result<std::vector<service::BackupTally>>)> done) {
    impl_->ask<std::vector<service::BackupTally>>(
        [](Database& db) { return store::count_backups(db); }, std::move(done));
}

}  // namespace sluice::store
