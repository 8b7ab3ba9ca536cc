#include "acs-plugin/backup/locker.hpp"

#include <algorithm>

#include "acs-plugin/backup/locker_impl.hpp"
#include "engine/image/merkle.hpp"

namespace sluice::backup {
namespace {

// Of all that devices bring and fetch at a time; more are told to come again.
constexpr std::size_t kMostUnderWay = std::size_t{64} << 20;
constexpr std::int64_t kSettledAfterMs = 7ll * 24 * 3600 * 1000;

Bytes digest_of(ByteView bytes) {
    const auto digest = image::sha256(bytes).bytes;
    return {digest.begin(), digest.end()};
}

Label label_of(const service::BackupRow& row) {
    return {row.identity, row.id, row.length};
}

service::EventRow event_of(const char* kind, const service::BackupRow& row, service::WallTime at) {
    service::EventRow out;
    out.at = at;
    out.kind = kind;
    out.who = "device";
    out.rollout = row.rollout;
    out.identity = row.identity;
    out.why = "backup " + std::to_string(row.id) + ", " + std::to_string(row.length) + " bytes";
    return out;
}

}  // namespace

Locker::Locker(KeyRing keys, LockerOptions options)
    : impl_(std::make_shared<Impl>(std::move(keys), std::move(options))) {}
Locker::~Locker() {
    impl_->rotation.stop();
}

void Locker::restore(const service::BackupRow& row) {
    impl_->last_id = std::max(impl_->last_id, row.id);
    const bool is_live = !row.is_settled || row.is_pinned || row.is_made_here;
    if (!row.is_gone && is_live) impl_->live[row.id].row = row;
}

void Locker::lift_pins(const std::function<bool(const service::BackupRow&)>& is_needed) {
    auto& it = *impl_;
    service::Changes changes;
    std::erase_if(it.live, [&](const auto& each) {
        const auto& row = each.second.row;
        if (!row.is_settled || is_needed(row)) return false;
        it.let_go(each.second, changes);
        changes.emplace_back(service::BackupsTrimmed{row.identity, it.options.kept});
        return true;
    });
    it.write(std::move(changes));
}

void Locker::Impl::write(service::Changes changes) {
    if (!changes.empty()) options.commit(std::move(changes), [](const Result<void>&) {});
}

// The row as it is from now on, and its bytes: what is committed.
service::Changes Locker::Impl::seal(service::BackupRow row, ByteView clear) {
    row.taken = options.wall_time();
    row.length = clear.size();
    row.sha256 = digest_of(clear);
    row.key_id = keys.first();
    Nonce nonce;
    options.random(nonce);
    auto sealed = keys.seal(clear, label_of(row), nonce);
    live.insert_or_assign(row.id, Live{row, sealed});
    return {row, service::BackupBytes{row.id, row.key_id, std::move(sealed)}};
}

// --- of devices -------------------------------------------------------------------------------

void Locker::put(const Claim& claim, const std::string& identity, std::string bytes,
                 std::function<void(Word)> done) {
    auto& it = *impl_;
    const auto refuse = [&](Word word) {
        ++it.counters.refused;
        done(word);
    };
    if (it.under_way + bytes.size() > kMostUnderWay) return refuse(Word::busy);
    // Of a device that was erased, of an order that was given up or answered: nothing is kept.
    if (it.options.is_open && !it.options.is_open(identity, claim.rollout, claim.number))
        return refuse(Word::over);
    const auto* before = it.find([&](const service::BackupRow& row) {
        return !row.is_made_here && row.number == claim.number && row.identity == identity &&
               row.rollout == claim.rollout;
    });
    if (before != nullptr && before->row.is_settled) return refuse(Word::over);
    service::BackupRow row;
    const bool is_new = before == nullptr;
    row.id = is_new ? ++it.last_id : before->row.id;
    row.identity = identity;
    row.rollout = claim.rollout;
    row.number = claim.number;
    std::tie(row.software_version, row.config_version) = it.options.versions(identity);
    auto changes = it.seal(std::move(row), as_bytes(bytes));
    const auto sealed = std::get<service::BackupRow>(changes.front());
    changes.emplace_back(event_of("backup.stored", sealed, sealed.taken));
    it.under_way += bytes.size();
    it.options.commit(std::move(changes),
                      [weak = it.weak_from_this(), sealed, is_new, size = bytes.size(),
                       done = std::move(done)](const Result<void>& written) {
                          if (const auto self = weak.lock())
                              self->stored(sealed, is_new, size, written, done);
                      });
}

void Locker::Impl::stored(const service::BackupRow& row, bool is_new, std::size_t bytes,
                          const Result<void>& written, const std::function<void(Word)>& done) {
    under_way -= bytes;
    if (!written.has_value()) {
        ++counters.failed;
        live.erase(row.id);
        return done(Word::failed);
    }
    ++(is_new ? counters.stored : counters.replaced);
    is_durable(row);
    if (told) told(row);
    done(is_new ? Word::done : Word::replaced);
}

// Unless other bytes took their place in between.
void Locker::Impl::is_durable(const service::BackupRow& row) {
    const auto at = live.find(row.id);
    if (at != live.end() && at->second.row.sha256 == row.sha256) at->second.sealed.clear();
}

void Locker::get(const Claim& claim, const std::string& identity,
                 std::function<void(Word, Bytes)> done) {
    auto& it = *impl_;
    const auto at = it.live.find(claim.backup);
    const bool is_there = at != it.live.end() && at->second.row.identity == identity;
    const bool has_room = is_there && it.under_way + at->second.row.length <= kMostUnderWay;
    if (!has_room) {
        ++it.counters.refused;
        return done(is_there ? Word::busy : Word::over, {});
    }
    it.under_way += at->second.row.length;
    it.open(at->second.row, [weak = it.weak_from_this(), row = at->second.row,
                             done = std::move(done)](Result<Bytes> bytes) {
        const auto self = weak.lock();
        if (!self) return;
        self->under_way -= row.length;
        if (!bytes.has_value()) {
            ++self->counters.failed;
            if (self->options.log) self->options.log(bytes.error().message);
            return done(Word::failed, {});
        }
        ++self->counters.given;
        // Noted first, as every reading.
        self->options.commit({event_of("backup.given", row, self->options.wall_time())},
                             [done, bytes = std::move(bytes).value()](const Result<void>& written) {
                                 written.has_value() ? done(Word::done, bytes)
                                                     : done(Word::failed, {});
                             });
    });
}

// --- opening ----------------------------------------------------------------------------------

Result<Bytes> Locker::Impl::opened(const service::BackupRow& row, std::string_view sealed) const {
    const auto name = "backup " + std::to_string(row.id);
    auto out = keys.open(row.key_id, sealed, label_of(row));
    if (!out.has_value() && keys.has(row.key_id)) out = keys.open_by_any(sealed, label_of(row));
    if (!out.has_value()) return std::move(out.error()).within(name);
    if (digest_of(out.value()) != row.sha256) return Error{name + ": has another SHA-256"};
    return out;
}

void Locker::Impl::open(const service::BackupRow& row,
                        std::function<void(Result<Bytes>)> done) const {
    const auto at = live.find(row.id);
    if (at != live.end() && !at->second.sealed.empty())
        return done(opened(at->second.row, at->second.sealed));
    options.bytes(row.id, [weak = weak_from_this(), row,
                           done = std::move(done)](Result<std::optional<std::string>> sealed) {
        const auto self = weak.lock();
        if (!self) return;
        if (!sealed.has_value()) return done(std::move(sealed).error());
        if (!sealed.value())
            return done(Error{"backup " + std::to_string(row.id) + ": its bytes are gone"});
        done(self->opened(row, *sealed.value()));
    });
}

void Locker::list(service::BackupQuery query,
                  std::function<void(Result<std::vector<service::BackupRow>>)> done) const {
    impl_->options.rows(std::move(query), std::move(done));
}

void Locker::Impl::look_up(std::uint64_t id,
                           std::function<void(Result<service::BackupRow>)> done) const {
    service::BackupQuery query;
    query.id = id;
    options.rows(query, [id, done = std::move(done)](const auto& rows) {
        if (!rows.has_value()) return done(Error(rows.error()));
        if (rows.value().empty()) return done(Error{"there is no backup " + std::to_string(id)});
        done(rows.value().front());
    });
}

void Locker::read(std::uint64_t backup, std::function<void(Result<Opened>)> done) {
    const auto give = [weak = impl_->weak_from_this(), done](const service::BackupRow& row) {
        const auto self = weak.lock();
        if (!self) return;
        self->open(row, [row, done](Result<Bytes> bytes) {
            if (!bytes.has_value()) return done(std::move(bytes).error());
            done(Opened{row, std::move(bytes).value()});
        });
    };
    const auto at = impl_->live.find(backup);
    if (at != impl_->live.end()) return give(at->second.row);
    impl_->look_up(backup, [give, done](const Result<service::BackupRow>& row) {
        row.has_value() ? give(row.value()) : done(Error(row.error()));
    });
}

// --- the rest ---------------------------------------------------------------------------------

bool Locker::is_needed(std::uint64_t id) const {
    return impl_->live.contains(id);
}

void Locker::forget(std::string_view identity) {
    std::erase_if(impl_->live,
                  [&](const auto& each) { return each.second.row.identity == identity; });
}

void Locker::on_time(service::WallTime now) {
    auto& it = *impl_;
    service::Changes changes;
    std::erase_if(it.live, [&](const auto& each) {
        const auto& row = each.second.row;
        if (row.is_settled || now.unix_ms - row.taken.unix_ms < kSettledAfterMs) return false;
        it.let_go(each.second, changes);
        return true;
    });
    it.write(std::move(changes));
    if (it.to_be_durable.empty()) return;
    it.options.commit({}, [weak = it.weak_from_this(), rows = std::exchange(it.to_be_durable, {})](
                              const Result<void>& written) {
        const auto self = weak.lock();
        if (!self || !written.has_value()) return;
        for (const auto& row : rows) self->is_durable(row);
    });
}

void Locker::rotate() {
    impl_->rotation.start();
}

void Locker::rotation(std::function<void(Result<RotationView>)> done) const {
    impl_->options.tally([weak = impl_->weak_from_this(),
                          done = std::move(done)](Result<std::vector<service::BackupTally>> tally) {
        const auto self = weak.lock();
        if (!self) return;
        if (!tally.has_value()) return done(std::move(tally).error());
        RotationView out;
        out.first_key = self->keys.first();
        out.keys = std::move(tally).value();
        for (const auto& each : out.keys) {
            if (each.key_id != out.first_key) out.left += each.count;
            if (!self->keys.has(each.key_id)) out.missing.push_back(each.key_id);
        }
        out.unreadable = self->rotation.unreadable();
        out.is_running = self->rotation.is_running();
        done(std::move(out));
    });
}

const LockerCounters& Locker::counters() const {
    return impl_->counters;
}

}  // namespace sluice::backup
