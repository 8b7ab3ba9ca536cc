// The locker as safe upgrades see it: tickets, and what is kept for as long as an upgrade needs it.

#include "acs-plugin/backup/locker_impl.hpp"

namespace sluice::backup {

void Locker::on_stored(std::function<void(const service::BackupRow&)> told) {
    impl_->told = std::move(told);
}

Result<Place> Locker::Impl::ticket(const Claim& claim, const std::string& identity,
                                   std::string_view name, std::uint64_t length) const {
    if (identity.size() > kMaxUsername)
        return Error{"device " + identity.substr(0, 64) + "…: its identity is no user name"};
    const auto token = tickets.token(claim);
    const auto path = std::string("/") + static_cast<char>(claim.way) + "/" + token + "/";
    const auto target = path + std::string(name);
    const auto read = parse_door_target(target);
    if (!read || read->token != token)
        return Error{"'" + std::string(name.substr(0, 64)) + "': is no name of a file"};
    return Place{options.origin_url + target, identity, tickets.password(token), length};
}

Result<Place> Locker::ticket_up(const std::string& identity, const std::string& rollout,
                                std::uint32_t number, service::WallTime expires) {
    if (rollout.size() > kMaxRollout) return Error{"rollout " + rollout + ": is too long a name"};
    Claim claim;
    claim.number = number;
    claim.expires = expires.utc();
    claim.tag = tag_of(identity);
    claim.rollout = rollout;
    return impl_->ticket(claim, identity, "config.bin", 0);
}

Result<Place> Locker::offer(std::uint64_t backup, std::uint32_t number, service::WallTime expires) {
    const auto at = impl_->live.find(backup);
    if (at == impl_->live.end() || !at->second.row.is_pinned)
        return Error{"backup " + std::to_string(backup) + ": no upgrade has it"};
    const auto& row = at->second.row;
    Claim claim;
    claim.way = Way::down;
    claim.number = number;
    claim.expires = expires.utc();
    claim.tag = tag_of(row.identity);
    claim.backup = backup;
    return impl_->ticket(claim, row.identity, "config.bin", row.length);
}

Result<std::uint64_t> Locker::keep(const std::string& identity, const std::string& rollout,
                                   std::uint32_t number, ByteView bytes, service::Changes& out) {
    auto& it = *impl_;
    if (bytes.empty() || bytes.size() > kMaxBackup)
        return Error{"a configuration of " + std::to_string(bytes.size()) +
                     " bytes: not within 1 to " + std::to_string(kMaxBackup)};
    service::BackupRow row;
    row.id = ++it.last_id;
    row.identity = identity;
    row.rollout = rollout;
    row.number = number;
    row.is_made_here = row.is_settled = row.is_pinned = true;
    const auto id = row.id;
    for (auto& each : it.seal(std::move(row), bytes)) out.push_back(std::move(each));
    it.to_be_durable.push_back(std::get<service::BackupRow>(out[out.size() - 2]));
    return id;
}

std::optional<service::BackupRow> Locker::settle(const std::string& identity,
                                                 const std::string& rollout, std::uint32_t number,
                                                 service::Changes& out) {
    auto* found = impl_->find([&](const service::BackupRow& row) {
        return !row.is_made_here && row.number == number && row.identity == identity &&
               row.rollout == rollout;
    });
    if (found == nullptr) return std::nullopt;
    auto& row = found->row;
    if (!row.is_settled) {
        row.is_settled = row.is_pinned = true;
        out.emplace_back(row);
    }
    return row;
}

// What was made here goes; a backup stays for as long as its number and age let it.
void Locker::Impl::let_go(const Live& it, service::Changes& out) {
    auto row = it.row;
    row.is_gone = row.is_made_here;
    row.is_pinned = false;
    row.is_settled = true;
    out.emplace_back(std::move(row));
}

void Locker::release(const std::string& identity, const std::string& rollout,
                     service::Changes& out) {
    const auto before = out.size();
    std::erase_if(impl_->live, [&](const auto& each) {
        const auto& row = each.second.row;
        if (row.identity != identity || row.rollout != rollout) return false;
        impl_->let_go(each.second, out);
        return true;
    });
    if (out.size() != before)
        out.emplace_back(service::BackupsTrimmed{identity, impl_->options.kept});
}

Result<service::BackupRow> Locker::Impl::borrowed(const service::BackupRow& row) {
    // Settled, and in nobody's hands: looked at again, as time passed.
    if (live.contains(row.id))
        return Error{"backup " + std::to_string(row.id) + ": an upgrade has it"};
    auto& it = live[row.id];
    it.row = row;
    it.row.is_pinned = true;
    return it.row;
}

void Locker::borrow(std::uint64_t backup, std::function<void(Result<service::BackupRow>)> done) {
    impl_->look_up(backup, [weak = impl_->weak_from_this(),
                            done = std::move(done)](const Result<service::BackupRow>& found) {
        const auto self = weak.lock();
        if (!self) return;
        if (!found.has_value()) return done(Error(found.error()));
        auto row = self->borrowed(found.value());
        if (!row.has_value()) return done(std::move(row).error());
        self->write({row.value()});
        done(std::move(row).value());
    });
}

void Locker::give_back(std::uint64_t backup, service::Changes& out) {
    const auto at = impl_->live.find(backup);
    if (at == impl_->live.end()) return;
    impl_->let_go(at->second, out);
    impl_->live.erase(at);
}

}  // namespace sluice::backup
