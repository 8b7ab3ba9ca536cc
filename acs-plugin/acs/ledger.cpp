#include "acs-plugin/acs/ledger.hpp"

#include <chrono>
#include <utility>

namespace sluice::acs {

Ledger::Ledger(store::Store& store, std::function<void(const std::string&)> failed,
               std::function<void()> changed)
    : store_(store), failed_(std::move(failed)), changed_(std::move(changed)) {}

void Ledger::commit(service::Changes rows, std::function<void(Result<void>)> done) {
    ++under_way_;
    if (!rows.empty()) changed_();
    const auto began = std::chrono::steady_clock::now();
    store_.commit(std::move(rows), [this, began, done = std::move(done)](Result<void> result) {
        --under_way_;
        if (written_) written_(std::chrono::steady_clock::now() - began, result.has_value());
        if (!result.has_value() && !std::exchange(has_failed_, true))
            failed_(result.error().message);
        done(std::move(result));
    });
}

void Ledger::write(service::Changes rows) {
    if (!rows.empty()) commit(std::move(rows), [](const Result<void>&) {});
}

void Ledger::write_then(service::Changes rows, std::function<void()> durable) {
    if (rows.empty() && under_way_ == 0 && !has_failed_) return durable();
    commit(std::move(rows), [durable = std::move(durable)](const Result<void>& result) {
        if (result.has_value()) durable();
    });
}

}  // namespace sluice::acs
