#pragma once
// The server's end of one safe upgrade: engine/upgrade's procedure, its record and the files that
// go with it on a FaultyDisk of their own, so that the server can be cut and killed as the device
// is. The two southbounds of these tests stand on it.

#include <optional>
#include <string>

#include "engine/upgrade/form.hpp"
#include "engine/upgrade/procedure.hpp"
#include "tests/safe_upgrade/box.hpp"

namespace sluice::upgrade {

class Keeper {
public:
    Keeper(const Policy& policy, std::uint64_t seed) : disk(seed), policy_(policy) {
        (void)disk.make_directory(kFolder);
        (void)disk.sync_directory("/");
    }

    agent::disk::FaultyDisk disk;

    // From what the medium has. False: stopped on the way.
    bool start(Instant now);
    // The operator's: from now on another image is meant, which is kept with what follows.
    void choose(Image image) { image_ = image; }
    Image image() const { return image_; }
    // False: the server was stopped, and nothing that follows from the event was let out.
    bool handle(const Event& event, Instant now);
    // Of what was asked for last; nothing: nothing is.
    const std::optional<Do>& open() const { return open_; }

    const Record& record() const { return procedure_->record(); }
    Instant next_deadline() const { return procedure_->next_deadline(); }
    bool is_over() const { return procedure_.has_value() && procedure_->is_over(); }

    // "backup", "converted": durable when it returns.
    Result<void> keep(const std::string& name, ByteView bytes);
    Result<Bytes> load(const std::string& name);

private:
    static constexpr char kFolder[] = "/upgrade";

    Policy policy_;
    std::optional<Procedure> procedure_;
    std::optional<Do> open_;
    Image image_ = Image::wanted;
};

}  // namespace sluice::upgrade
