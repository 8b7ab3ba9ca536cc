#pragma once
// A device's software on the same disk: what it uses is a file of its own, written in two parts, so
// that a cut in the middle leaves neither the old configuration nor the new one.

#include <string>

#include "agent/configuration/configuration.hpp"

namespace sluice::agent::configuration {

class ScriptedSoftware final : public Software {
public:
    explicit ScriptedSoftware(disk::Disk& disk) : disk_(disk) { (void)disk_.make_directory("/sw"); }

    bool says_what_it_uses = true;
    std::string refuses;  // a configuration with this in it
    int applied = 0;

    Result<void> apply(const std::string& path, ByteView bytes) override {
        ++applied;
        if (auto done = disk::write_small_file(disk_, "/sw", "live", as_bytes("half")); !done)
            return Error{done.error().message};
        const auto file = disk::read_small_file(disk_, path, kMaxBytes);
        if (!file) return Error{file.error().message};
        if (as_text(file.value()) != as_text(bytes)) return Error{"the file says something else"};
        if (!refuses.empty() && as_text(bytes).find(refuses) != std::string_view::npos)
            return Error{"line 3: no such codec"};
        if (auto done = disk::write_small_file(disk_, "/sw", "live", bytes); !done)
            return Error{done.error().message};
        return success();
    }
    Result<std::optional<Bytes>> current() override {
        if (!says_what_it_uses) return std::optional<Bytes>();
        auto live = disk::read_small_file(disk_, "/sw/live", kMaxBytes);
        if (!live && live.error().is_missing()) return std::optional<Bytes>();
        if (!live) return Error{live.error().message};
        return std::optional<Bytes>(std::move(live).value());
    }
    std::string uses() const {
        const auto live = disk::read_small_file(disk_, "/sw/live", kMaxBytes);
        return live ? std::string(as_text(live.value())) : std::string();
    }
    // The subscriber, or the image that runs, changes it.
    void change(const std::string& text) {
        (void)disk::write_small_file(disk_, "/sw", "live", as_bytes(text));
    }

private:
    disk::Disk& disk_;
};

}  // namespace sluice::agent::configuration
