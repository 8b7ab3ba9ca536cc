// Safe rollouts: what the engine asks to be prepared goes to the safeguard, and its words to the
// engine.

#include "acs-plugin/service/image_fit.hpp"
#include "acs-plugin/service/planner_impl.hpp"

namespace sluice::service {
namespace {

// A word may bring another one; each of them changes something, so they end.
constexpr int kMaxRounds = 16;

}  // namespace

void Planner::set_safeguard(Safeguard& safeguard) {
    impl_->safeguard = &safeguard;
    safeguard.attend = [this](WallTime now, Changes& out) {
        Impl::Batch batch{now, out};
        impl_->attend(batch);
        impl_->write(batch);
    };
    safeguard.find_image = [this](const SafePart& part, const std::string& named,
                                  const std::string& version) {
        return impl_->find_image(part, named, version);
    };
    safeguard.order_image = [this](const SafePart& part, const std::string& id) {
        return impl_->order_image(part, id);
    };
}

SafeTerms Planner::Impl::terms_of(const Run& run) const {
    SafeTerms out;
    out.spec = run.safe;
    out.version = run.image->software_version;
    out.contact_limit = run.spec.commit_timeout;
    out.patience = run.spec.retain;
    return out;
}

Result<void> Planner::Impl::check_safe(const RolloutSpec& spec, const ImageRow& image) const {
    if (spec.safe.empty()) return success();
    if (!image.is_firmware) return Error{"safe: is for firmware, and this is a configuration file"};
    if (safeguard == nullptr) return Error{"safe: this planner runs no safe upgrades"};
    auto read = parse_safe_spec(spec.safe);
    if (!read.has_value()) return std::move(read).error().within("safe");
    auto checked = safeguard->check(read.value());
    if (!checked.has_value()) return std::move(checked).error().within("safe");
    return success();
}

void Planner::Impl::prepare(Run& run, rollout::Member member, Batch& batch) {
    if (safeguard == nullptr || !run.safe) return;
    const auto device = run.seat(member).device;
    safeguard->begin({run.identity(member), run.row.id}, terms_of(run), book.row(device), batch.now,
                     batch.out);
}

void Planner::Impl::on_attempted(Run& run, const rollout::Attempted& attempt, Batch& batch) {
    if (safeguard == nullptr) return;
    const auto& words = run.seat(attempt.member).words;
    SafeAttempt said{attempt.fault, attempt.has_fallen_back, {}};
    if (attempt.fault != 0)
        said.why = "fault " + std::to_string(attempt.fault) + (words ? ": " + *words : "");
    safeguard->on_attempt({run.identity(attempt.member), run.row.id}, said, batch.now, batch.out);
}

// What it has to say, until it says no more.
void Planner::Impl::attend(Batch& batch) {
    if (safeguard == nullptr) return;
    for (int round = 0; round < kMaxRounds; ++round) {
        const auto words = safeguard->take_words();
        for (const auto& word : words) {
            const auto run = runs.find(word.part.rollout);
            const auto d = book.find(word.part.identity);
            if (run == runs.end() || !d) continue;
            const auto member = run->second->find(*d);
            if (!member) continue;
            if (word.kind == SafeWord::Kind::prepared) {
                feed(*run->second, rollout::Prepared{*member}, batch);
            } else if (word.kind == SafeWord::Kind::retracted) {
                feed(*run->second, rollout::Retracted{*member}, batch);
            } else {
                if (!word.why.empty())
                    run->second->seat(*member).words = std::make_unique<std::string>(word.why);
                feed(*run->second, rollout::Concluded{*member, word.reason, word.is_alarming},
                     batch);
            }
        }
        if (words.empty()) break;
    }
    for (const auto& identity : safeguard->take_calls())
        if (const auto d = book.find(identity); d && book.is_callable(*d))
            calls.add(identity, batch.now);
}

bool Planner::Impl::is_stopped(std::string_view rollout) const {
    const auto run = runs.find(rollout);
    return run != runs.end() && run->second->row.state != RolloutState::running;
}

std::optional<DeviceOrder> Planner::Impl::safe_order(const std::string& identity, Batch& batch) {
    attend(batch);
    auto order = safeguard->next_order(
        identity, [this](std::string_view rollout) { return is_stopped(rollout); }, batch.now,
        batch.out);
    attend(batch);
    return order;
}

// --- an image for one device alone ------------------------------------------------------------

Result<Planner::Impl::Ticket> Planner::Impl::ticket_of(const SafePart& part) const {
    const auto run = runs.find(part.rollout);
    if (run == runs.end()) return Error{"rollout '" + part.rollout + "' is unknown"};
    if (run->second->is_over())
        return Error{"rollout '" + part.rollout + "' is " +
                     std::string(word_of(run->second->row.state))};
    const auto d = book.find(part.identity);
    const auto member = d ? run->second->find(*d) : std::nullopt;
    if (!member) return Error{part.identity + ": is not in rollout '" + part.rollout + "'"};
    return Ticket{run->second.get(), *member};
}

Result<SafeImage> Planner::Impl::find_image(const SafePart& part, const std::string& named,
                                            const std::string& version) const {
    SLUICE_TRY(const auto ticket, ticket_of(part));
    SLUICE_TRY(const auto* image, image_called(named));
    const auto name = "image: '" + image->name + "'";
    if (!image->is_firmware) return Error{name + " is a configuration file"};
    auto report = book.row(ticket.run->seat(ticket.member).device).report;
    report.software_version = version;
    const auto manifest = manifest_of(*image);
    if (!manifest || !is_meant_for(*manifest, report))
        return Error{name + " is not for " + part.identity + " (" + report.manufacturer + " " +
                     report.product_class + ", hardware " + report.hardware_version +
                     ", with version " + version + ")"};
    if (is_on(*image, report, {}))
        return Error{name + " is version " + version + ", which " + part.identity + " had before"};
    return SafeImage{image->id, image->software_version};
}

Result<DownloadOrder> Planner::Impl::order_image(const SafePart& part,
                                                 const std::string& id) const {
    SLUICE_TRY(const auto ticket, ticket_of(part));
    const auto image = images.find(id);
    if (image == images.end()) return Error{"image " + id + " is gone"};
    if (!ticket.run->seat(ticket.member).has_token)
        return Error{part.identity + ": is not planned yet"};
    return make_order_of(image->second, settings, *ticket.run, ticket.member);
}

const ImageRow& Planner::Impl::image_for(const Ticket& ticket) const {
    const auto& run = *ticket.run;
    if (!run.safe || safeguard == nullptr) return *run.image;
    const auto id = safeguard->chosen_image({run.identity(ticket.member), run.row.id});
    const auto at = id.empty() ? images.end() : images.find(id);
    return at == images.end() ? *run.image : at->second;
}

Result<void> Planner::Impl::restore_upgrades(std::vector<UpgradeRow> rows) {
    if (safeguard == nullptr) return success();
    for (auto& row : rows) {
        if (settled.count(row.rollout) != 0) continue;
        const auto run = runs.find(row.rollout);
        const bool has_terms = run != runs.end() && run->second->safe;
        const auto terms = has_terms ? terms_of(*run->second) : SafeTerms{};
        const auto identity = row.identity;
        auto restored = safeguard->restore(std::move(row), has_terms ? &terms : nullptr);
        if (!restored.has_value())
            return std::move(restored).error().within("safe upgrade of " + identity);
    }
    return success();
}

}  // namespace sluice::service
