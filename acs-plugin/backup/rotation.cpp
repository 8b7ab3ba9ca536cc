#include "acs-plugin/backup/rotation.hpp"

#include <set>

namespace sluice::backup {
namespace {

constexpr std::size_t kPortion = 64;  // rows asked for at a time; of bytes one

}  // namespace

struct Rotation::Impl : std::enable_shared_from_this<Rotation::Impl> {
    explicit Impl(RotationParts p) : parts(std::move(p)) {}

    void ask();
    void next();
    void seal(const service::BackupRow& row, const std::string& sealed);
    void pass_over(const service::BackupRow& row, const std::string& why);
    void say(const std::string& line) const {
        if (parts.log) parts.log(line);
    }

    const RotationParts parts;
    bool is_running = false;
    std::uint64_t after = 0, done = 0;
    std::vector<service::BackupRow> rows;  // last first
    std::set<std::uint64_t> unreadable;
};

// What brings a callback back: nothing once the locker is gone.
template <class Of>
auto guarded(std::weak_ptr<Of> weak, auto call) {
    return [weak, call](auto&& answer) {
        const auto self = weak.lock();
        if (self && self->is_running) call(*self, std::forward<decltype(answer)>(answer));
    };
}

void Rotation::Impl::ask() {
    service::BackupQuery query;
    query.after = after;
    query.other_key_than = parts.keys.first();
    query.at_most = kPortion;
    parts.rows(query, guarded(weak_from_this(), [](Impl& it, const auto& found) {
                   if (!found.has_value() || found.value().empty()) {
                       it.is_running = false;
                       if (!found.has_value()) it.say("rotation: " + found.error().message);
                       return it.say("rotation: sealed " + std::to_string(it.done) + " anew, " +
                                     std::to_string(it.unreadable.size()) + " did not open");
                   }
                   it.rows.assign(found.value().rbegin(), found.value().rend());
                   it.next();
               }));
}

void Rotation::Impl::next() {
    if (rows.empty()) return ask();
    const auto row = std::move(rows.back());
    rows.pop_back();
    after = row.id;
    if (!parts.keys.has(row.key_id))
        return pass_over(row, "the key ring has no key '" + row.key_id + "'");
    parts.bytes(row.id, guarded(weak_from_this(), [row](Impl& it, const auto& sealed) {
                    if (!sealed.has_value()) return it.pass_over(row, sealed.error().message);
                    if (!sealed.value()) return it.next();  // let go of in between
                    it.seal(row, *sealed.value());
                }));
}

void Rotation::Impl::seal(const service::BackupRow& row, const std::string& sealed) {
    const Label label{row.identity, row.id, row.length};
    const auto clear = parts.keys.open(row.key_id, sealed, label);
    if (!clear.has_value()) return pass_over(row, clear.error().message);
    Nonce nonce;
    parts.random(nonce);
    const auto& first = parts.keys.first();
    service::BackupBytes anew{row.id, first, parts.keys.seal(clear.value(), label, nonce)};
    parts.sealed_anew(row.id, first);
    parts.commit({std::move(anew)}, guarded(weak_from_this(), [](Impl& it, const auto& written) {
                     if (!written.has_value()) {
                         it.is_running = false;
                         return;
                     }
                     ++it.done;
                     it.next();
                 }));
}

void Rotation::Impl::pass_over(const service::BackupRow& row, const std::string& why) {
    if (unreadable.insert(row.id).second)
        say("backup " + std::to_string(row.id) + ": cannot be sealed anew: " + why);
    next();
}

Rotation::Rotation(RotationParts parts) : impl_(std::make_shared<Impl>(std::move(parts))) {}

void Rotation::start() {
    if (std::exchange(impl_->is_running, true)) return;
    impl_->after = impl_->done = 0;
    impl_->rows.clear();
    impl_->unreadable.clear();
    impl_->ask();
}

void Rotation::stop() {
    impl_->is_running = false;
}
bool Rotation::is_running() const {
    return impl_->is_running;
}
std::uint64_t Rotation::unreadable() const {
    return impl_->unreadable.size();
}

}  // namespace sluice::backup
