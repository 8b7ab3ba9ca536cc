#include "acs-plugin/cli/downgrade_command.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

#include "acs-plugin/cli/calendar.hpp"
#include "acs-plugin/cli/command.hpp"
#include "acs-plugin/cli/keys.hpp"
#include "acs-plugin/cli/terminal.hpp"
#include "engine/base/utc.hpp"
#include "engine/image/downgrade.hpp"

namespace sluice::cli {
namespace {

struct DowngradeOptions {
    image::DowngradeOrder order;
    std::string expires = "7d";
    std::vector<Path> keys;
    Path out;
};

Result<void> downgrade(const DowngradeOptions& options) {
    auto order = options.order;
    SLUICE_TRY(const auto expires, parse_when(options.expires, utc_now()));
    order.expires = expires;
    SLUICE_TRY(const auto keys, read_signing_keys(options.keys));
    const auto envelope = image::make_downgrade(order, keys);
    if (!envelope) return Error{envelope.error().detail};
    SLUICE_CHECK(write_file(options.out, envelope.value(), 0644, Overwrite::no));
    Table table;
    table.row("device", order.manufacturer + " " + order.product_class + " (OUI " + order.oui +
                            "), serial number " + order.serial_number);
    table.row("may take", "security version " + std::to_string(order.security_version));
    table.row("until", format_utc(order.expires));
    table.row("order", options.out.string());
    std::cout << table.text();
    return success();
}

void add_device_options(CLI::App& command, image::DowngradeOrder& order) {
    const auto group = "The device";
    const auto text = "as the device reports it";
    command.add_option("--manufacturer", order.manufacturer, text)->type_name("NAME")->group(group);
    command.add_option("--oui", order.oui, "six hex digits, upper case")
        ->type_name("HEX")
        ->group(group);
    command.add_option("--product-class", order.product_class, text)
        ->type_name("NAME")
        ->group(group);
    command.add_option("--serial-number", order.serial_number, text)
        ->type_name("TEXT")
        ->group(group);
    for (const auto* name : {"--manufacturer", "--oui", "--product-class", "--serial-number"})
        command.get_option(name)->required();
}

}  // namespace

void add_downgrade_command(CLI::App& app) {
    auto* command = app.add_subcommand(
        "downgrade",
        "Allow one device one older security version, for a while.\n"
        "The order is signed like a manifest; the device still wants a signed manifest as well.");
    const auto options = std::make_shared<DowngradeOptions>();
    add_device_options(*command, options->order);
    const auto group = "The order";
    command
        ->add_option("--security-version", options->order.security_version,
                     "the older version that it may take; no other")
        ->type_name("N")
        ->group(group)
        ->required();
    command
        ->add_option("--expires", options->expires,
                     "2027-03-01, 2027-03-01T12:00:00Z, or days from now")
        ->type_name("WHEN")
        ->capture_default_str()
        ->group(group);
    command->add_option("--key", options->keys, "private key that signs; repeat for a threshold")
        ->type_name("FILE")
        ->allow_extra_args(false)
        ->group(group)
        ->required();
    command->add_option("--out", options->out, "the file to write; never overwritten")
        ->type_name("FILE")
        ->group(group)
        ->required();
    command->callback([options] { finish(downgrade(*options)); });
}

}  // namespace sluice::cli
