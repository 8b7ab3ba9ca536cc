#include "agent/management/configurator.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace sluice::agent::management {
namespace {

constexpr char kConverted[] = "converted";

ConfigurationFacts facts_of(const configuration::Copy* copy) {
    if (copy == nullptr) return {};
    return {copy->label.name, copy->version(), copy->label.date};
}

TransferFault fault_of(const configuration::ApplyError& error) {
    if (!error.is_refused && error.is_back)
        return {cwmp::FaultCode::internal_error, "nothing was changed: " + error.message};
    return {cwmp::FaultCode::download_failure,
            error.message + (error.is_back ? " (the one before is in use again)"
                                           : " (and there is none before to go back to)")};
}

TransferFault upload_fault(std::string why) {
    return {cwmp::FaultCode::upload_failure, std::move(why)};
}

}  // namespace

Result<void> Configurator::open(const std::string& software_version, bool is_reset) {
    software_.version = software_version;
    SLUICE_TRY(kept_, configuration::Configuration::open(disk_, settings_.state + "/configuration",
                                                         software_));
    worker_ = std::make_unique<Worker>();
    return is_reset ? forget_all() : Result<void>(success());
}

template <class Job, class Told>
void Configurator::run(Job job, Told then) {
    worker_->post([this, job = std::move(job), then = std::move(then)] {
        auto done = job();
        boost::asio::post(io_,
                          [this, then, done = std::move(done), facts = facts_of(kept_->current())] {
                              facts_ = facts;
                              then(done);
                          });
    });
}

void Configurator::booted(install::Slot running, bool may_other_have_run, Then then) {
    run(
        [this, running, may_other_have_run]() -> Result<void> {
            SLUICE_CHECK(kept_->booted(running, may_other_have_run));
            // A device that had a configuration before it had us.
            return kept_->current() != nullptr ? Result<void>(success()) : kept_->leave(false);
        },
        std::move(then));
}

void Configurator::leave(bool is_image_new, Then then) {
    run([this, is_image_new] { return kept_->leave(is_image_new); }, std::move(then));
}

void Configurator::forget(Then then) {
    run([this] { return forget_all(); }, std::move(then));
}

Result<void> Configurator::forget_all() {
    SLUICE_CHECK(kept_->forget());
    return software_.reset();
}

void Configurator::apply(std::string bytes, configuration::Label label, Done then) {
    run(
        [this, bytes = std::move(bytes),
         label = std::move(label)]() -> Result<void, TransferFault> {
            auto applied = kept_->apply(as_bytes(bytes), label);
            if (!applied) return fault_of(applied.error());
            return success();
        },
        std::move(then));
}

void Configurator::read(Read then) {
    run(
        [this]() -> Result<std::string, TransferFault> {
            const auto bytes = kept_->read();
            if (!bytes) return upload_fault(bytes.error().message);
            if (!bytes.value()) return upload_fault("this device has no configuration");
            return std::string(as_text(*bytes.value()));
        },
        std::move(then));
}

void Configurator::convert(std::string bytes, std::string name, Done then) {
    run(
        [this, bytes = std::move(bytes), name = std::move(name)]() -> Result<void, TransferFault> {
            const auto converted = software_.convert(as_bytes(bytes), name);
            if (!converted)
                return TransferFault{cwmp::FaultCode::download_failure, converted.error().message};
            auto kept =
                disk::write_small_file(disk_, settings_.state, kConverted, converted.value());
            if (!kept) return TransferFault{cwmp::FaultCode::internal_error, kept.error().message};
            return success();
        },
        std::move(then));
}

void Configurator::read_converted(Read then) {
    run(
        [this]() -> Result<std::string, TransferFault> {
            const auto path = settings_.state + "/" + kConverted;
            const auto bytes = disk::read_small_file(disk_, path, configuration::kMaxBytes);
            if (bytes) return std::string(as_text(bytes.value()));
            return upload_fault(bytes.error().is_missing() ? "nothing was converted"
                                                           : bytes.error().message);
        },
        std::move(then));
}

}  // namespace sluice::agent::management
