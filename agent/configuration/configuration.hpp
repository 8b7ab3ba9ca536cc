#pragma once
// A device's configuration through upgrades and restores: what its software uses, what each image
// slot is to run with, and the one before, so that image and configuration go back together. Lies
// between whoever brings or wants a configuration (the ACS's Download and Upload) and the device's
// own software, which alone knows what it means.
//
//     <folder>/record   which copy belongs to which slot (record.hpp)
//              7.cfg    a copy; at most three stay: the two slots', and one being applied
//
// What holds after a power cut or a kill at any line, once open() and booted() have returned:
//  - each slot still has the copy that it had, or the one that apply() or leave() was about to give
//    it; never neither, and never a part of one;
//  - the software was given its slot's copy again wherever it may hold anything else: an apply cut
//    short, or another slot's image that ran meanwhile.
//
// No threads, no network, no clock. Calls block for as long as the software takes.

#include <memory>
#include <optional>
#include <string>

#include "agent/configuration/record.hpp"
#include "agent/disk/disk.hpp"

namespace sluice::agent::configuration {

inline constexpr std::size_t kMaxBytes = 4 * 1024 * 1024;

// The device's software as far as configurations go. A call may be cut off anywhere, and made
// again.
class Software {
public:
    virtual ~Software() = default;
    // Uses it from now on, durably, also when it did so already. After an error it may use
    // anything: it is given the one before.
    virtual Result<void> apply(const std::string& path, ByteView bytes) = 0;
    // What it uses. Nothing, or no bytes: it cannot say, and what it was given last is taken for
    // it.
    virtual Result<std::optional<Bytes>> current() = 0;
};

struct ApplyError : Error {
    bool is_refused = false;  // by the software; else it was never asked
    bool is_back = true;      // the one before is in use; false: it is given again at the next boot
};

class Configuration {
public:
    // `folder` is made where it is missing. Both others outlive it. A record that cannot be read is
    // set aside, with its copies.
    static Result<std::unique_ptr<Configuration>> open(disk::Disk& disk, std::string folder,
                                                       Software& software);

    // First, each time the device starts: the slot that it runs from (a, where there are none).
    // Gives the software its slot's copy where that is needed; an error is of that.
    // `may_other_have_run`: as the boot record says. The other slot's software may have changed
    // what is in use and never got as far as this call.
    Result<void> booted(install::Slot running, bool may_other_have_run);

    // Before the other slot is made the next to boot: keeps what this slot's software uses. An
    // image that is new there begins with that; one that was kept has its own.
    Result<void> leave(bool is_image_new);

    // A configuration from outside, for the running slot. `label` need not say version.
    Result<void, ApplyError> apply(ByteView bytes, const Label& label);

    // What an Upload sends: what the software uses, else the running slot's copy. Nothing: this
    // device was never given one.
    Result<std::optional<Bytes>> read();

    // The running slot's; null: none.
    const Copy* current() const { return record_.find(record_.at(running_).copy); }

    // The device's factory state: no copies.
    Result<void> forget();

private:
    Configuration(disk::Disk& disk, std::string folder, Software& software)
        : disk_(disk), folder_(std::move(folder)), software_(software) {}

    std::string path_of(std::uint64_t copy) const;
    Result<Bytes> load(const Copy& copy) const;
    Result<Copy> keep(ByteView bytes, const Label& label);
    bool is_in_use(ByteView bytes);
    std::uint64_t same_copy(const Record& record, ByteView bytes, const Label& label) const;
    Result<std::optional<Bytes>> in_use();
    Result<void> keep_current(Record& next);
    Result<void> give(std::uint64_t copy);
    Result<void> write(Record next);
    void remove_unused();

    disk::Disk& disk_;
    const std::string folder_;
    Software& software_;
    Record record_;               // durable
    bool is_record_sure_ = true;  // false: the medium may hold the one that could not be written
    install::Slot running_ = install::Slot::a;
};

}  // namespace sluice::agent::configuration
