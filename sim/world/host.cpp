// Life, worker, store and clock of a host.
#include "sim/world/host.hpp"

#include <algorithm>
#include <cassert>

#include "engine/base/overloaded.hpp"

namespace sluice::sim::world {
namespace {

constexpr serving::ImageSlot kImage{0};  // a simulated device serves one image

Duration seconds(double s) {
    return Duration(static_cast<Duration::rep>(s * 1e9));
}

}  // namespace

Host::Host(const Surroundings& around, HostIndex index)
    : around_(around),
      index_(index),
      rng_(mix64(around.site.seed) ^ mix64(index.value + 1)),
      have_(around.site.layout.piece_count()),
      durable_(around.site.layout.piece_count()),
      offered_(around.site.layout.piece_count()),
      flash_(image::Digest{}) {}

Host::~Host() = default;

void Host::connect(EndpointId self, const std::vector<EndpointId>& sources) {
    self_ = self;
    links_.resize(sources.size());
    for (std::size_t s = 0; s < sources.size(); ++s) links_[s].endpoint = sources[s];
}

bool Host::is_origin(SourceIndex s) const {
    return spec().assignment.sources[s.value].kind == planning::SourceKind::origin;
}

void Host::boot() {
    if (is_up()) return;
    ++life_;
    is_rebooting_ = false;
    if (has_power_cycled_) running_ = flash_.boot();
    has_power_cycled_ = false;
    const auto boot_id = static_cast<std::uint32_t>(rng_.below(0xffffffff)) + 1;
    if (spec().starts_whole && life_ == 1) hold_all();
    session_.emplace(transfer::session_plan(spec().assignment, layout(), is_layer_known_), have_);
    if (const auto& terms = spec().assignment.serving) {
        serving::ServerLimits limits;
        limits.slots = terms->slots;
        limits.reserved_slots = terms->reserved_slots;
        limits.rate_cap_bps = terms->rate_cap_bps;
        limits.cpu_gate_percent = terms->cpu_gate_percent;
        server_ = std::make_unique<serving::Server>(limits, boot_id);
        offered_ = have_.count() == have_.size() ? have_ : PieceSet(have_.size());
        server_->add_image(kImage, layout(), offered());
        if (load_percent_ > 0) tell(serving::Event{serving::CpuSampled{load_percent_}});
        around_.wire.set_listening(self_, true);
    }
    state_ = HostState::fetching;
    around_.observer.on_boot(*this, around_.now);
    if (have_.count() > durable_.count()) {
        around_.queue.push(
            {around_.now + around_.site.costs.flush_after, EventType::flush, index_.value, life_});
    }
    start_installer();
    tell(transfer::Event{transfer::Started{}});
}

void Host::hold_all() {
    for (std::uint32_t p = 0; p < have_.size(); ++p) have_.insert(PieceIndex{p});
    durable_ = have_;
    is_layer_known_ = is_layer_durable_ = true;
}

void Host::kill() {
    if (!is_up()) return;
    go_down();
    flash_.settle();
    around_.wire.reset_all(self_, around_.now);
}

void Host::cut_power() {
    if (is_up()) go_down();
    ++life_;  // a reboot under way ends too
    is_rebooting_ = false;
    has_power_cycled_ = true;
    flash_.cut(rng_);
    around_.wire.forget_all(self_);
    for (std::uint32_t p = 0; p < have_.size(); ++p) {
        const PieceIndex piece{p};
        if (!have_.contains(piece) || durable_.contains(piece)) continue;
        if (!around_.site.costs.loses_all && rng_.below(2) == 0) continue;
        have_.erase(piece);
        around_.observer.on_lost(*this, piece, around_.now);
    }
    is_layer_known_ = is_layer_durable_;
}

void Host::set_load(std::uint32_t percent) {
    load_percent_ = percent;
    tell(serving::Event{serving::CpuSampled{percent}});
}

void Host::fill_store() {
    tell(transfer::Event{transfer::StoreFailed{}});
}

void Host::go_down() {
    ++life_;
    state_ = HostState::off;
    around_.wire.set_listening(self_, false);
    session_.reset();
    server_.reset();
    installer_.reset();
    for (auto& link : links_) link = SourceLink{link.endpoint, {}, {}, 0};
    served_.clear();
    transfers_.clear();
    jobs_.clear();
    undurable_bytes_ = 0;
    timer_at_ = Instant::never();
    around_.observer.on_down(*this, around_.now);
}

void Host::verify(const transfer::VerifyPiece& action) {
    assert(arrived_ && arrived_->id == action.id && arrived_->piece == action.piece);
    jobs_.push_back(*arrived_);
    if (jobs_.size() == 1) start_job();
}

void Host::start_job() {
    const auto& costs = around_.site.costs;
    const auto bytes = static_cast<double>(layout().size_of(jobs_.front().piece));
    const auto takes = costs.per_piece + seconds(bytes / costs.hash_bytes_per_s);
    around_.queue.push({around_.now + takes, EventType::worker_done, index_.value, life_});
}

void Host::on_worker_done(std::uint64_t life) {
    if (life != life_) return;
    const auto job = jobs_.front();
    jobs_.pop_front();
    if (!jobs_.empty()) start_job();
    around_.observer.on_checked(*this, job.piece, job.is_right, around_.now);
    if (!job.is_right) {
        tell(transfer::Event{transfer::PieceRefused{job.id, job.piece}});
        return;
    }
    if (have_.insert(job.piece)) {
        note_written(job.piece);
        if (server_) offer(job.piece);
    }
    tell(transfer::Event{transfer::PieceProved{job.id, job.piece}});
}

void Host::note_written(PieceIndex piece) {
    const auto& costs = around_.site.costs;
    if (undurable_bytes_ == 0) {
        flush_due_ = around_.now + costs.flush_after;
        around_.queue.push(
            {around_.now + costs.flush_after, EventType::flush, index_.value, life_});
    }
    undurable_bytes_ += layout().size_of(piece);
    if (undurable_bytes_ >= costs.flush_bytes) flush();
}

void Host::offer(PieceIndex piece) {
    if (!spec().gives_only_whole)
        return tell(serving::Event{serving::PieceVerified{kImage, piece}});
    if (have_.count() < have_.size()) return;
    offered_ = have_;
    for (std::uint32_t p = 0; p < have_.size(); ++p)
        tell(serving::Event{serving::PieceVerified{kImage, PieceIndex{p}}});
}

void Host::on_flush(std::uint64_t life) {
    // A batch that was full before its time leaves its timer behind.
    if (life == life_ && around_.now >= flush_due_) flush();
}

void Host::flush() {
    durable_ = have_;
    is_layer_durable_ = is_layer_known_;
    undurable_bytes_ = 0;
}

void Host::on_timer() {
    if (!is_up() || around_.now < timer_at_) return;
    timer_at_ = Instant::never();
    const auto now = around_.now;
    notice_arrivals();
    if (session_ && session_->next_deadline() <= now) {
        tell(transfer::Event{transfer::DeadlinePassed{}});
    }
    if (server_ && server_->next_deadline() <= now) {
        tell(serving::Event{serving::DeadlinePassed{}});
    }
    if (installer_ && installer_->next_deadline() <= now) {
        tell(install::Event{install::DeadlinePassed{}});
    }
    for (std::size_t s = 0; s < links_.size(); ++s) {
        const SourceIndex source{static_cast<std::uint8_t>(s)};
        for (auto* channel : {&links_[s].runs, &links_[s].have}) {
            if (channel->connect_due <= now) {
                fail_channel(source, *channel, transfer::Fault::unreachable);
            }
        }
    }
    serve_waiting_layers();
    arm_timer();
}

Instant Host::next_due() const {
    auto due = Instant::never();
    if (session_) due = std::min(due, session_->next_deadline());
    if (server_) due = std::min(due, server_->next_deadline());
    if (installer_) due = std::min(due, installer_->next_deadline());
    for (const auto& link : links_) {
        due = std::min({due, link.runs.connect_due, link.have.connect_due});
    }
    for (const auto& [connection, served] : served_) due = std::min(due, served.layer_due);
    return due;
}

void Host::arm_timer() {
    if (!is_up()) return;
    const auto due = std::max(next_due(), around_.now);
    if (due == Instant::never() || due >= timer_at_) return;
    timer_at_ = due;
    around_.queue.push({due, EventType::host_timer, index_.value, life_});
}

// The wire speaks to whichever side of the host the connection belongs to.
void Host::on_closed(ConnectionId connection) {
    if (const auto found = find_channel(connection); found.channel != nullptr) {
        fail_channel(found.source, *found.channel, transfer::Fault::disconnected);
    } else if (const auto it = served_.find(connection); it != served_.end()) {
        const auto transfer = it->second.transfer;
        served_.erase(it);
        if (transfer) {
            transfers_.erase(*transfer);
            tell(serving::Event{serving::TransferClosed{*transfer}});
        }
    }
    arm_timer();
}

}  // namespace sluice::sim::world
