// `sluice`: the operator's command line.

#include <CLI/CLI.hpp>

#include "acs-plugin/cli/backup_command.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/device_command.hpp"
#include "acs-plugin/cli/downgrade_command.hpp"
#include "acs-plugin/cli/event_command.hpp"
#include "acs-plugin/cli/group_command.hpp"
#include "acs-plugin/cli/help_formatter.hpp"
#include "acs-plugin/cli/image_command.hpp"
#include "acs-plugin/cli/keygen_command.hpp"
#include "acs-plugin/cli/plan_command.hpp"
#include "acs-plugin/cli/policy_command.hpp"
#include "acs-plugin/cli/rollout_command.hpp"
#include "acs-plugin/cli/sign_command.hpp"
#include "acs-plugin/cli/site_command.hpp"
#include "acs-plugin/cli/token_command.hpp"
#include "acs-plugin/cli/trust_command.hpp"
#include "acs-plugin/cli/upgrade_command.hpp"
#include "acs-plugin/cli/webhook_command.hpp"

int main(int argc, char** argv) {
    using namespace sluice::cli;
    CLI::App app(
        "Distribute firmware to fleets of CPEs: one copy into a site, verified pieces to\n"
        "everyone.",
        "sluice");
    app.formatter(make_help_formatter());
    app.set_version_flag("--version", "sluice " SLUICE_VERSION, "print the version");
    app.set_help_flag("-h,--help", "print this help");
    app.require_subcommand(1);
    add_keygen_command(app);
    add_image_command(app);
    add_trust_command(app);
    add_downgrade_command(app);
    add_sign_command(app);
    add_plan_command(app);
    add_device_command(app);
    add_group_command(app);
    add_site_command(app);
    add_rollout_command(app);
    add_upgrade_command(app);
    add_backup_command(app);
    add_policy_command(app);
    add_event_commands(app);
    add_webhook_command(app);
    add_token_command(app);
    app.footer("'sluice COMMAND --help' says more. Exit codes: 0 done, 1 failed, 2 wrong use.");
    return run(app, argc, argv);
}
