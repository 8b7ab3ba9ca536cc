#include "acs-plugin/cli/help_formatter.hpp"

#include <CLI/CLI.hpp>

namespace sluice::cli {
namespace {

class HelpFormatter final : public CLI::Formatter {
public:
    HelpFormatter() {
        column_width(32);
        label("Positionals", "Arguments");
    }

    std::string make_help(const CLI::App* app, std::string name,
                          CLI::AppFormatMode mode) const override {
        auto out = make_usage(app, full_name(app, name));
        out += "\n" + make_description(app) + make_subcommands(app, mode);
        out += make_positionals(app) + options_by_group(app);
        const auto footer = make_footer(app);
        if (!footer.empty()) out += "\n" + footer;
        return out;
    }

    std::string make_usage(const CLI::App* app, std::string name) const override {
        auto out = "Usage: " + name;
        if (!app->get_subcommands([](const CLI::App*) { return true; }).empty())
            return out + " COMMAND [options]\n";
        for (const auto* option : app->get_options())
            if (option->get_positional()) out += " " + make_option_usage(option);
        return out + " [options]\n";
    }

    // Groups in the order in which the command defined them; --help and --version last.
    std::string options_by_group(const CLI::App* app) const {
        std::string out;
        auto groups = app->get_groups();
        std::stable_partition(groups.begin(), groups.end(),
                              [](const auto& group) { return group != "Options"; });
        for (const auto& group : groups) {
            const auto options = app->get_options([&](const CLI::Option* option) {
                return option->get_group() == group && option->nonpositional();
            });
            if (!group.empty() && !options.empty()) out += make_group(group, false, options);
        }
        return out;
    }

    std::string make_subcommands(const CLI::App* app, CLI::AppFormatMode) const override {
        const auto commands = app->get_subcommands([](const CLI::App*) { return true; });
        std::string out = commands.empty() ? "" : "\nCommands:\n";
        for (const auto* command : commands) out += make_subcommand(command);
        return out;
    }

    std::string make_subcommand(const CLI::App* sub) const override {
        const auto text = sub->get_description();
        std::ostringstream out;  // the first sentence says what it is for
        CLI::detail::format_help(out, sub->get_name(), text.substr(0, text.find_first_of(".\n")),
                                 16);
        return out.str();
    }

    std::string make_option_opts(const CLI::Option* option) const override {
        if (option->get_type_size() == 0 || option->get_positional()) return {};
        const auto& text = option->get_option_text();
        return " " + (text.empty() ? option->get_type_name() : text);
    }

    std::string make_option_desc(const CLI::Option* option) const override {
        auto out = option->get_description();
        if (option->get_required() && option->nonpositional()) out += " (required)";
        if (!option->get_default_str().empty()) out += " [" + option->get_default_str() + "]";
        return out;
    }

private:
    // "sluice image pack" although the parser only hands over "pack".
    static std::string full_name(const CLI::App* app, const std::string& name) {
        if (app->get_parent() == nullptr) return app->get_name();
        std::string out = app->get_name();
        for (const auto* at = app->get_parent(); at != nullptr; at = at->get_parent())
            out = at->get_name() + " " + out;
        return out.empty() ? name : out;
    }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> make_help_formatter() {
    return std::make_shared<HelpFormatter>();
}

}  // namespace sluice::cli
