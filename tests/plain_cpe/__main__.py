"""python3 -m plain_cpe --acs URL …: one CPE without an agent, until it is killed."""
import argparse
import sys
from pathlib import Path

from .device import Device
from .listener import Listener
from .quirks import QUIRKS


def secret(path):
    return Path(path).read_text(encoding="utf-8").strip() if path else ""


def options_of(arguments):
    parser = argparse.ArgumentParser(
        prog="plain_cpe", description="A TR-069 CPE without Sluice's agent, for tests and demos.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="quirks:\n" + "\n".join(f"  {k:<24} {v}" for k, v in QUIRKS.items()))
    add = parser.add_argument
    add("--acs", required=True, metavar="URL")
    add("--username", default="")
    add("--password-file", default="")
    add("--manufacturer", default="ACME")
    add("--oui", default="00D09E")
    add("--product-class", default="GW3")
    add("--serial", required=True)
    add("--hardware-version", default="A")
    add("--software-version", default="1.0")
    add("--next-version", required=True, help="what it reports after an upgrade")
    add("--gateway", nargs=3, metavar=("OUI", "CLASS", "SERIAL"), help="the gateway it is behind")
    add("--root", default="Device.", choices=["Device.", "InternetGatewayDevice."])
    add("--cwmp", default="1.0", choices=["1.0", "1.1", "1.2", "1.4"])
    add("--local-address", default="127.0.0.1", help="to connect from and to be called at")
    add("--connection-port", type=int, default=0, help="to be called at; -1: nowhere")
    add("--connection-username", default="")
    add("--connection-password-file", default="")
    add("--ca-file")
    add("--periodic-interval", type=float, default=86400, metavar="SECONDS")
    add("--retry-wait", type=float, default=5, metavar="SECONDS", help="the first; then doubling")
    add("--reboot-seconds", type=float, default=2)
    add("--state", default=".", metavar="DIR")
    add("--report", metavar="FILE", help="JSON lines of what it does")
    add("--quirk", action="append", default=[], choices=sorted(QUIRKS), metavar="NAME")
    options = parser.parse_args(arguments)
    options.password = secret(options.password_file)
    options.connection_password = secret(options.connection_password_file)
    return options


def main():
    options = options_of(sys.argv[1:])
    device = Device(options)
    if options.connection_port >= 0:
        device.calls = Listener(options.local_address, options.connection_port,
                                options.connection_username, options.connection_password,
                                lambda: device.wake("6 CONNECTION REQUEST"))
    device.log("started", connection_url=device.calls.url if device.calls else "")
    try:
        device.run()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
