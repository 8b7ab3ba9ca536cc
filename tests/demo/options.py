"""What a person may say to the demo."""

from __future__ import annotations

import argparse
from pathlib import Path

# From Debian's debian-installer-12-netboot-arm64: what a board boots from the network.
DEFAULT_IMAGE = Path("/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64/linux")


def _numbers(text: str) -> list[int]:
    numbers = [int(word) for word in text.split(",")]
    if not all(1 <= n <= 60 for n in numbers):
        raise argparse.ArgumentTypeError(f"{text}: 1 to 60 agents a site")
    return numbers


def _sites(text: str) -> int:
    if not 1 <= int(text) <= 20:
        raise argparse.ArgumentTypeError(f"{text}: 1 to 20 sites")
    return int(text)


def read_options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev demo", description="Upgrade a small fleet by TR-069, one copy into each site.")
    add = parser.add_argument
    add("--sites", type=_sites, metavar="N", help="how many sites (2)")
    add("--devices", type=_numbers, default=[10, 3], metavar="N[,N…]",
        help="agents of each site; the last number stands for the sites after it (10,3)")
    add("--plain", type=int, default=1, metavar="N",
        help="CPEs without an agent, in the first site (1)")
    add("--image", type=Path, default=DEFAULT_IMAGE, metavar="FILE",
        help="the firmware (an arm64 boot image of Debian's)")
    add("--flow", choices=["a", "b"], default="a",
        help="how slaves learn their master: in the Download (a) or before it (b)")
    add("--uplink", type=float, default=20, metavar="MBIT/S", help="what a site gets from outside (20)")
    add("--lan", type=float, default=200, metavar="MBIT/S", help="what a device may give its peers (200)")
    add("--json", type=Path, metavar="FILE", help="write the final table there, too")
    add("--keep", action="store_true", help="keep the folder with all files and logs")
    add("--build", type=Path, default=Path(__file__).resolve().parents[2] / "build",
        help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.sites = options.sites or len(options.devices)
    last = options.devices[-1]
    options.devices = (options.devices + [last] * options.sites)[:options.sites]
    if options.flow == "b" and options.plain:
        options.plain = 0  # flow B is for agents (R2.6)
    if not options.image.is_file():
        parser.error(f"--image {options.image}: no such file")
    return options
