#include "acs-plugin/iad/station/upgrade_command.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>

#include "acs-plugin/iad/files.hpp"
#include "acs-plugin/iad/station/answers.hpp"
#include "acs-plugin/iad/station/settings.hpp"
#include "engine/net/log.hpp"

namespace sluice::iad {
namespace {

constexpr const char* kUsage =
    "usage: sluice-iad upgrade --device HOST --version V --image-file FILE --file-server URL\n"
    "                          --state DIR (--user … | --community-file …) [options]\n"
    "\n"
    "Upgrades SNMP-managed devices safely: backs their configuration up, upgrades, verifies,\n"
    "restores; or they are back where they were (docs/SAFE-UPGRADE.md). Killed and started again,\n"
    "it goes on where it was.\n"
    "\n"
    "Options\n";
constexpr const char* kEpilogue =
    "\n"
    "Options can also stand in a TOML file (--config FILE) and in the environment\n"
    "(SLUICE_DEVICE=...); flags win over the environment, the environment over the file.\n"
    "\n"
    "Exit status: 0 every device is upgraded; 1 not all are; 2 wrong use.\n";

std::atomic<bool> is_stopped{false};

int wrong_use(const std::string& why, const char* verb) {
    std::fprintf(stderr, "sluice-iad: %s\nTry 'sluice-iad %s --help'.\n", why.c_str(), verb);
    return 2;
}

bool asks_for_help(std::span<const std::string_view> args) {
    return std::ranges::find(args, "--help") != args.end();
}

int failed(const Error& error) {
    std::fprintf(stderr, "sluice-iad: %s\n", error.message.c_str());
    return 1;
}

// UTC: records outlive the process.
Instant now() {
    return Instant{
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())};
}

// Text of devices never tells a terminal what to do.
std::string printable(std::string text) {
    for (auto& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return text;
}

// One line whenever something is other than it was.
class Show {
public:
    void tell(const std::string& name, const UpgradeView& view) {
        auto line = words(view);
        if (line == said_) return;
        said_ = line;
        const auto time = std::time(nullptr);
        std::tm parts{};
        ::localtime_r(&time, &parts);
        char clock[16] = "";
        std::strftime(clock, sizeof clock, "%H:%M:%S", &parts);
        std::printf("%s  %-16s  %s\n", clock, name.c_str(), printable(line).c_str());
        std::fflush(stdout);
    }

private:
    static std::string words(const UpgradeView& view) {
        const auto& is = view.record;
        const auto why = [&] {
            auto text = std::string(upgrade::describe(is.reason));
            if (!view.detail.empty()) text += (text.empty() ? "" : ": ") + view.detail;
            return text;
        };
        if (is.end != upgrade::End::none)
            return std::string(upgrade::name_of(is.end)) +
                   (is.reason == upgrade::Reason::none ? "" : ": " + why());
        if (is.question != upgrade::Step::end)
            return "asks you: " + std::string(upgrade::arrow(is.question).says) + ": " + why() +
                   " (sluice-iad answer accept|decline|correct|cancel)";
        auto out = std::string(upgrade::arrow(is.step).says);
        if (is.attempts > 1) out += ", attempt " + std::to_string(is.attempts);
        if (!is.is_open && is.attempts > 1) return out + ", after a pause: " + why();
        if (view.progress > 0 && view.progress < 100)
            out += "  " + std::to_string(view.progress / 10 * 10) + " %";
        return out;
    }

    std::string said_;
};

struct Running {
    std::string folder, name;
    std::unique_ptr<Peer> peer;
    std::unique_ptr<Upgrade> upgrade;
    Show show;
};

Result<void> put_image(const ManagerSettings& settings) {
    const MoverLimits limits{.time = std::chrono::hours(1)};
    const auto sent =
        Mover(limits, [](std::uint32_t) {
            return !is_stopped.load();
        }).send(settings.upgrade.our_server, settings.upgrade.image, settings.image_file);
    return sent;
}

Result<void> answer(Running& run, const ManagerSettings& settings, const Answer& word) {
    if (word.word == "accept") run.upgrade->accept(now());
    if (word.word == "decline") run.upgrade->decline(now());
    if (word.word == "cancel") run.upgrade->call_off(now());
    if (word.word == "correct")
        SLUICE_CHECK(run.upgrade->check_correction(word.configuration.empty()));
    if (word.word == "correct" && !word.configuration.empty())
        return run.upgrade->correct_configuration(word.configuration, now());
    if (word.word == "correct" && !word.image_file.empty()) {
        SLUICE_TRY(auto sum, sum_of(word.image_file));
        const auto name = word.image.empty()
                              ? std::filesystem::path(word.image_file).filename().string()
                              : word.image;
        SLUICE_CHECK(Mover({}, [](std::uint32_t) {
                         return true;
                     }).send(settings.upgrade.our_server, name, word.image_file));
        run.upgrade->correct_image(name, static_cast<std::uint32_t>(sum.length),
                                   std::move(sum.digest), word.version, now());
    }
    return success();
}

Result<std::vector<std::unique_ptr<Running>>> open_all(const ManagerSettings& settings) {
    std::vector<std::unique_ptr<Running>> out;
    for (const auto& target : settings.devices) {
        auto run = std::make_unique<Running>();
        run->name = target.name;
        run->folder = settings.state + "/" + target.name;
        run->peer = std::make_unique<Peer>(target.address, settings.security);
        auto options = settings.upgrade;
        options.name = target.name;
        options.folder = run->folder;
        SLUICE_TRY(run->upgrade, Upgrade::open(std::move(options), *run->peer, now()));
        out.push_back(std::move(run));
    }
    return out;
}

void show_notifications(const ListenerCounters& heard) {
    net::log_info("notifications", {{"taken", std::to_string(heard.taken)},
                                    {"not_authentic", std::to_string(heard.not_authentic)},
                                    {"malformed", std::to_string(heard.malformed)},
                                    {"not_ours", std::to_string(heard.not_ours)}});
}

Result<bool> run_all(const ManagerSettings& settings) {
    open_snmp();
    SLUICE_CHECK(put_image(settings));
    SLUICE_TRY(auto all, open_all(settings));
    std::unique_ptr<Listener> listener;
    if (!settings.listen.empty()) {
        const auto told = [&](const Heard& heard) {
            for (auto& run : all)
                if (run->peer->address().substr(0, run->peer->address().find(':')) == heard.from)
                    run->upgrade->on_heard(heard, now());
        };
        SLUICE_TRY(listener, Listener::open(settings.listen, settings.security, told));
    }
    const auto is_open = [&] {
        return std::ranges::any_of(all, [](const auto& r) { return !r->upgrade->is_over(); });
    };
    while (!is_stopped && is_open()) {
        serve_snmp(std::chrono::milliseconds(100));
        for (auto& run : all) {
            run->upgrade->on_time(now());
            if (const auto word = take_answer(run->folder)) {
                const auto done = answer(*run, settings, *word);
                if (!done.has_value()) net::log_warning(done.error().message);
            }
            run->show.tell(run->name, run->upgrade->view());
        }
    }
    if (listener) show_notifications(listener->counters());
    return std::ranges::all_of(
        all, [](const auto& r) { return r->upgrade->view().record.end == upgrade::End::done; });
}

}  // namespace

int upgrade_command(std::span<const std::string_view> args) {
    if (asks_for_help(args)) {
        std::printf("%s%s%s", kUsage, net::describe(manager_options()).c_str(), kEpilogue);
        return 0;
    }
    const auto options = net::Options::read("sluice-iad-upgrade", args, manager_options());
    if (!options.has_value()) return wrong_use(options.error().message, "upgrade");
    const auto settings = manager_settings(options.value());
    if (!settings.has_value()) return wrong_use(settings.error().message, "upgrade");
    const auto format = net::parse_log_format(
        options.value().has("log-format") ? options.value().text("log-format") : "text");
    if (!format) return wrong_use("--log-format: text or json", "upgrade");
    net::open_log("sluice-iad", *format, net::LogLevel::info);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGTERM, [](int) { is_stopped = true; });
    std::signal(SIGINT, [](int) { is_stopped = true; });
    const auto done = run_all(settings.value());
    if (!done.has_value()) return failed(done.error());
    return done.value() ? 0 : 1;
}

int answer_command(std::span<const std::string_view> args) {
    static constexpr net::OptionSpec kOptions[] = {
        {"state", "DIR", "of the running 'sluice-iad upgrade'"},
        {"name", "NAME", "of the device"},
        {"configuration", "FILE", "correct: restore this one, as it is"},
        {"image-file", "FILE", "correct: upgrade to this image"},
        {"image", "NAME", "its name at the file server, where it is not the file's"},
        {"version", "VERSION", "that a device reports with it, where it is another one"},
    };
    constexpr const char* kAnswerUsage =
        "usage: sluice-iad answer accept|decline|correct|cancel --state DIR --name NAME "
        "[options]\n"
        "\n"
        "Answers the question that an upgrade asks: once more, no further, or with something "
        "else;\n"
        "cancel ends it whether it asks or not, by way of the image that was kept.\n"
        "\n"
        "Options\n";
    if (asks_for_help(args)) {
        std::printf("%s%s", kAnswerUsage, net::describe(kOptions).c_str());
        return 0;
    }
    const bool has_word = !args.empty() && !args.front().starts_with("-");
    const auto word = has_word ? std::string(args.front()) : std::string();
    const auto options =
        net::Options::read("sluice-iad-answer", args.subspan(has_word ? 1 : 0), kOptions);
    if (!options.has_value()) return wrong_use(options.error().message, "answer");
    const auto& from = options.value();
    if (word != "accept" && word != "decline" && word != "correct" && word != "cancel")
        return wrong_use("accept, decline, correct or cancel", "answer");
    if (!from.has("state") || !from.has("name"))
        return wrong_use("--state and --name are needed", "answer");
    if (word == "correct" && from.has("configuration") == from.has("image-file"))
        return wrong_use("correct: --configuration or --image-file", "answer");
    const auto folder = from.text("state") + "/" + from.text("name");
    if (!std::filesystem::exists(folder)) return failed(Error{folder + ": is not there"});
    const auto absolute = [](const std::string& path) {
        return path.empty() ? path : std::filesystem::absolute(path).string();
    };
    const auto left = leave_answer(
        folder, {word, absolute(from.text("configuration")), absolute(from.text("image-file")),
                 from.text("image"), from.text("version")});
    return left.has_value() ? 0 : failed(left.error());
}

int convert_command(std::span<const std::string_view> args) {
    static constexpr net::OptionSpec kOptions[] = {
        {"conversions", "FILE", "JSON, as for upgrade"},
        {"from", "VERSION", "of the software that the configuration is of"},
        {"to", "VERSION", "of the software that is to read it"},
        {"input", "FILE", "the configuration"},
    };
    if (asks_for_help(args)) {
        std::printf(
            "usage: sluice-iad convert --conversions FILE --from V --to V --input FILE\n\n"
            "Tries a conversion out: what would be restored, on stdout. Nothing is sent.\n\n"
            "Options\n%s",
            net::describe(kOptions).c_str());
        return 0;
    }
    const auto options = net::Options::read("sluice-iad-convert", args, kOptions);
    if (!options.has_value()) return wrong_use(options.error().message, "convert");
    const auto& from = options.value();
    for (const auto& option : kOptions)
        if (!from.has(option.name))
            return wrong_use("--" + std::string(option.name) + " is needed", "convert");
    std::signal(SIGPIPE, SIG_IGN);
    const auto done = [&]() -> Result<std::string> {
        SLUICE_TRY(const auto text, read_whole(from.text("conversions"), 256 * 1024));
        auto all = conversion::parse_conversions(as_text(text));
        if (!all.has_value()) return std::move(all.error()).within(from.text("conversions"));
        const auto* by =
            conversion::conversion_for(all.value(), from.text("from"), from.text("to"));
        if (by == nullptr) return Error{"no conversion fits these versions"};
        if (!by->device_program.empty())
            return Error{"the device converts, by its program '" + by->device_program + "'"};
        SLUICE_TRY(const auto input, read_whole(from.text("input"), 4 * 1024 * 1024));
        return conversion::convert(*by, as_text(input), std::chrono::minutes(1));
    }();
    if (!done.has_value()) return failed(done.error());
    std::fwrite(done.value().data(), 1, done.value().size(), stdout);
    return 0;
}

}  // namespace sluice::iad
