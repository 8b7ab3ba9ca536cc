#include "acs-plugin/iad/station/backup_command.hpp"

#include <algorithm>
#include <cstdio>

#include "acs-plugin/iad/station/cabinet.hpp"
#include "engine/net/options.hpp"

namespace sluice::iad {
namespace {

constexpr net::OptionSpec kOptions[] = {
    {"state", "DIR", "what `sluice-iad upgrade` keeps"},
    {"name", "NAME", "of the device"},
    {"backup-keys", "FILE", "id:64 hex digits a line; the first seals, all of them open"},
    {"show", "FILE", "this configuration, in clear on stdout"},
    {"seal", "", "seal all of them with the first key, also what lies in clear"},
};

Result<Cabinet> open_cabinet(const net::Options& from) {
    std::optional<backup::KeyRing> keys;
    if (from.has("backup-keys")) {
        auto read = backup::KeyRing::read(from.text("backup-keys"));
        if (!read.has_value()) return std::move(read.error()).within("--backup-keys");
        keys = std::move(read).value();
    }
    return Cabinet(from.text("state") + "/" + from.text("name"), from.text("name"),
                   std::move(keys));
}

Result<void> run(const net::Options& from) {
    SLUICE_TRY(const auto cabinet, open_cabinet(from));
    if (from.is_on("seal")) {
        SLUICE_TRY(const auto count, cabinet.seal_all());
        std::printf("%zu configurations sealed\n", count);
    } else if (from.has("show")) {
        SLUICE_TRY(const auto bytes, cabinet.read(from.text("show")));
        std::fwrite(bytes.data(), 1, bytes.size(), stdout);
    } else {
        for (const auto& name : cabinet.names()) std::printf("%s\n", name.c_str());
    }
    return success();
}

int wrong_use(const std::string& why) {
    std::fprintf(stderr, "sluice-iad: %s\nTry 'sluice-iad backup --help'.\n", why.c_str());
    return 2;
}

}  // namespace

int backup_command(std::span<const std::string_view> args) {
    if (std::ranges::find(args, "--help") != args.end()) {
        std::printf(
            "usage: sluice-iad backup --state DIR --name NAME [--backup-keys FILE]\n"
            "                         [--show FILE | --seal]\n\n"
            "The configurations that are kept of a device: their names, one of them, or all of\n"
            "them sealed with the first key.\n\nOptions\n%s",
            net::describe(kOptions).c_str());
        return 0;
    }
    const auto options = net::Options::read("sluice-iad-backup", args, kOptions);
    if (!options.has_value()) return wrong_use(options.error().message);
    const auto& from = options.value();
    if (!from.has("state") || !from.has("name")) return wrong_use("--state and --name are needed");
    if (from.has("show") && from.text("show").find('/') != std::string::npos)
        return wrong_use("--show: a name without folder");
    if (from.is_on("seal") && !from.has("backup-keys"))
        return wrong_use("--seal: needs --backup-keys");
    const auto done = run(from);
    if (done.has_value()) return 0;
    std::fprintf(stderr, "sluice-iad: %s\n", done.error().message.c_str());
    return 1;
}

}  // namespace sluice::iad
