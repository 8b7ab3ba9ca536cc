#include "acs-plugin/split/run.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>

#include "acs-plugin/split/status.hpp"
#include "acs-plugin/split/watch.hpp"
#include "engine/net/log.hpp"

namespace sluice::split {
namespace {

// Two programs that undo each other's work must not eat a processor.
constexpr Duration kShortestQuarrel = 200ms;

Instant now() {
    return {std::chrono::steady_clock::now().time_since_epoch()};
}

// Beside the file, then over it: a reader never sees half of it.
Result<void> write_metrics(const std::string& path, const std::string& text) {
    const auto beside = path + ".tmp";
    {
        std::ofstream file(beside, std::ios::trunc);
        file << text;
        if (!file.flush()) return Error{"metrics-file: cannot write " + beside};
    }
    if (std::rename(beside.c_str(), path.c_str()) != 0)
        return Error{"metrics-file: " + path + ": " + std::strerror(errno)};
    return success();
}

class Runner {
public:
    Runner(Nft& nft, Configuration configuration)
        : nft_(nft), configuration_(std::move(configuration)) {}

    Result<void> start() {
        KernelTable table(nft_, configuration_.settings);
        SLUICE_TRY(const auto view, table.look());
        const auto& state = view.state;
        say_doubts();
        if (state.is_intact && state.ruleset == ruleset_name(configuration_.settings)) {
            net::log_info("the rules are in place already", {{"table", name()}});
        } else {
            SLUICE_CHECK(table.install());
            net::log_info(state.is_there ? "rules replaced, records kept" : "rules installed",
                          {{"table", name()}});
        }
        report();
        return success();
    }

    Duration until_next() const {
        auto next = next_check_;
        if (!configuration_.metrics_file.empty()) next = std::min(next, next_report_);
        return std::max(Duration(1ms), next - now());
    }

    void on(const Woken& woken, const std::function<Result<Configuration>()>& reread) {
        if (woken.by_reload) reload(reread);
        if (woken.by_change && now() >= quiet_until_) next_check_ = now();
        if (now() >= next_check_) check();
        if (now() >= next_report_ && !configuration_.metrics_file.empty()) report();
    }

private:
    const std::string& name() const { return configuration_.settings.table; }

    void say_doubts() {
        for (const auto& line : doubts(configuration_.settings)) net::log_warning(line);
    }

    void reload(const std::function<Result<Configuration>()>& reread) {
        auto fresh = reread();
        if (fresh && fresh.value().settings.table != name())
            fresh = Error{"table: cannot change while running"};
        if (!fresh) {
            net::log(net::LogLevel::error, "configuration not reloaded, the old one stays",
                     {{"why", fresh.error().message}});
            return;
        }
        const auto former = configuration_;
        configuration_ = std::move(fresh).value();
        KernelTable table(nft_, configuration_.settings);
        if (auto done = table.install(); !done) {
            net::log(net::LogLevel::error, "configuration not reloaded, the old one stays",
                     {{"why", done.error().message}});
            configuration_ = former;
            return;
        }
        say_doubts();
        net::log_info("configuration reloaded, records kept", {{"table", name()}});
        report();
    }

    void check() {
        next_check_ = now() + configuration_.check_interval;
        KernelTable table(nft_, configuration_.settings);
        // A look costs a second where there are a hundred thousand records.
        const auto generation = nftables_generation();
        if (generation && generation.value() == seen_generation_) return;
        const auto view = table.look();
        if (!view) return failed_to("look at the rules", view.error());
        const auto& state = view.value().state;
        if (state.is_intact && state.ruleset == ruleset_name(configuration_.settings)) {
            if (generation) seen_generation_ = generation.value();
            quarrel_ = kShortestQuarrel;
            return;
        }
        if (auto done = table.install(); !done)
            return failed_to("put the rules back", done.error());
        ++reinstalls_;
        net::log_warning(state.is_there ? "someone changed the rules: put back"
                                        : "someone removed the rules: put back",
                         {{"table", name()}});
        // Not again before a while; twice as long each time it goes on.
        quiet_until_ = now() + quarrel_;
        next_check_ = quiet_until_;
        quarrel_ = std::min(quarrel_ * 2, std::max(configuration_.check_interval, quarrel_));
        report();
    }

    void report() {
        next_report_ = now() + configuration_.metrics_interval;
        if (configuration_.metrics_file.empty()) return;
        KernelTable table(nft_, configuration_.settings);
        const auto status = table.look();
        if (!status) return failed_to("read the tables", status.error());
        const auto written =
            write_metrics(configuration_.metrics_file,
                          metrics_text(status.value(), configuration_.settings, reinstalls_));
        if (!written) failed_to("write metrics", written.error());
    }

    static void failed_to(const char* what, const Error& error) {
        net::log(net::LogLevel::error, std::string("cannot ") + what, {{"why", error.message}});
    }

    Nft& nft_;
    Configuration configuration_;
    Instant next_check_ = now();
    Instant next_report_ = now();
    Instant quiet_until_{};
    Duration quarrel_ = kShortestQuarrel;
    std::uint64_t reinstalls_ = 0;
    std::optional<std::uint32_t> seen_generation_;  // at which the rules were as they should be
};

}  // namespace

Result<void> run(Configuration configuration,
                 const std::function<Result<Configuration>()>& reread) {
    SLUICE_CHECK(check_machine(configuration.settings));
    SLUICE_TRY(auto nft, Nft::open());
    SLUICE_TRY(const auto lock, RunLock::take(configuration.settings.table));
    SLUICE_TRY(auto watch, Watch::open());
    Runner runner(nft, std::move(configuration));
    SLUICE_CHECK(runner.start());
    while (true) {
        const auto woken = watch.wait(runner.until_next());
        if (woken.by_stop) break;
        runner.on(woken, reread);
    }
    net::log_info("stopped; the rules stay until 'sluice-split uninstall'");
    return success();
}

}  // namespace sluice::split
