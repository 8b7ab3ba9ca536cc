"""Namespaces, bridge, veth pairs and shaped links of one run; and what the interfaces counted.

    origin -- tbf(uplink) -- router == bridge == ports -- tbf, both ways -- hosts

The names carry the lab's pid and start time, so that two runs never meet and a later run can tell
what a killed one left behind.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PREFIX = "sluice-lab-"
# netem is not on every kernel; tbf is, and shapes what the issue asks for: rates.
UPLINK_BURST = 32 * 1024
# A smaller burst on the fast ports splits large segments and binds the processor, not the link.
PORT_BURST = 128 * 1024
# Every frame's Ethernet, IPv4 and TCP headers with time stamps.
HEADERS = 14 + 20 + 32
FRAME_PAYLOAD = 1448
# On the wire each full frame carries headers beside its payload.
WIRE_PER_PAYLOAD = (FRAME_PAYLOAD + HEADERS) / FRAME_PAYLOAD

ORIGIN_ADDRESS = "10.90.0.2"
ROUTER_UPLINK_ADDRESS = "10.90.0.1"
ROUTER_LAN_ADDRESS = "10.91.0.1"
# Both ends run the same congestion control whatever the machine prefers; per route, since only the
# first namespace may change the default.
CONGESTION = ["congctl", "cubic"]


class NotPermitted(Exception):
    """This machine does not let us make namespaces or shape links."""


@dataclass(frozen=True)
class Traffic:
    """TCP payload that passed one link, either way, and the bytes as they were on the wire."""

    to_host: int = 0
    from_host: int = 0
    wire_to_host: int = 0

    def __sub__(self, earlier: "Traffic") -> "Traffic":
        return Traffic(self.to_host - earlier.to_host, self.from_host - earlier.from_host,
                       self.wire_to_host - earlier.wire_to_host)


def command(*argv: object, given: str | None = None) -> str:
    """Runs one configuration command; its failure names the command and what it said."""
    words = [str(word) for word in argv]
    done = subprocess.run(words, input=given, capture_output=True, text=True, check=False,
                          start_new_session=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def host_address(index: int) -> str:
    return f"10.91.{(index + 10) // 250}.{(index + 10) % 250 + 1}"


def _queue_bytes(rate_bps: int) -> int:
    """A queue of 200 ms: TCP fills it and never drops for want of room on a fast link."""
    return max(int(rate_bps / 8 * 0.2), 2 * UPLINK_BURST)


def _shape(namespace: str, device: str, rate_bps: int, burst: int, verb: str = "add") -> None:
    command("tc", "-n", namespace, "qdisc", verb, "dev", device, "root", "tbf",
            "rate", f"{rate_bps}bit", "burst", burst, "limit", _queue_bytes(rate_bps) + burst)


class Network:
    """One site behind one uplink. A context manager: leaving it removes every trace."""

    def __init__(self, hosts: int, uplink_bps: int, port_bps: int, folder: Path | None = None):
        """`folder`, if given, is removed with the namespaces should the lab be killed."""
        self.hosts = hosts
        self._folder = folder
        self.uplink_bps = uplink_bps
        self.port_bps = port_bps
        self._prefix = f"{PREFIX}{os.getpid()}-{_start_time(os.getpid())}-"
        self.origin = self._prefix + "origin"
        self.router = self._prefix + "router"
        self._guardian: subprocess.Popen | None = None

    def host(self, index: int) -> str:
        return f"{self._prefix}h{index}"

    def __enter__(self) -> "Network":
        remove_leftovers()
        self._guardian = _start_guardian(self._prefix, self._folder)
        try:
            self._build()
        except RuntimeError as error:
            self.__exit__()
            if "not permitted" in str(error).lower() or "not supported" in str(error).lower():
                raise NotPermitted(str(error)) from error
            raise
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        remove_namespaces(self._prefix)
        if self._guardian is not None:
            self._guardian.stdin.close()
            self._guardian.wait()
            self._guardian = None

    # --- building --------------------------------------------------------------------------

    def _build(self) -> None:
        self._add_namespace(self.origin)
        self._add_namespace(self.router)
        _batch(self.router, [
            "link add uplink type veth peer name eth0 netns " + self.origin,
            f"addr add {ROUTER_UPLINK_ADDRESS}/30 dev uplink",
            "link set uplink up",
            "link add lan type bridge stp_state 0 forward_delay 0",
            f"addr add {ROUTER_LAN_ADDRESS}/16 dev lan",
            "link set lan up",
        ])
        _batch(self.origin, [
            f"addr add {ORIGIN_ADDRESS}/30 dev eth0",
            "link set eth0 txqueuelen 10000 up",
            f"route add 10.91.0.0/16 via {ROUTER_UPLINK_ADDRESS} " + " ".join(CONGESTION),
        ])
        _shape(self.origin, "eth0", self.uplink_bps, UPLINK_BURST)
        for index in range(self.hosts):
            self._add_host(index)

    def _add_namespace(self, name: str) -> None:
        command("ip", "netns", "add", name)
        # No metrics of an earlier connection: each run starts cold. No IPv6 chatter in the counts.
        settings = ["net.ipv4.tcp_no_metrics_save=1", "net.ipv6.conf.all.disable_ipv6=1",
                    "net.ipv6.conf.default.disable_ipv6=1"]
        if name == self.router:
            settings.append("net.ipv4.ip_forward=1")
        command("ip", "netns", "exec", name, "sysctl", "-qew", *settings)
        command("ip", "-n", name, "link", "set", "lo", "up")

    def _add_host(self, index: int) -> None:
        name = self.host(index)
        self._add_namespace(name)
        _batch(self.router, [
            f"link add p{index} txqueuelen 10000 type veth peer name eth0 netns {name}",
            f"link set p{index} master lan up",
        ])
        _batch(name, [
            f"addr add {host_address(index)}/16 dev eth0 noprefixroute",
            "link set eth0 txqueuelen 10000 up",
            f"route add 10.91.0.0/16 dev eth0 src {host_address(index)} " + " ".join(CONGESTION),
            f"route add default via {ROUTER_LAN_ADDRESS} " + " ".join(CONGESTION),
        ])
        _shape(self.router, f"p{index}", self.port_bps, PORT_BURST)
        _shape(name, "eth0", self.port_bps, PORT_BURST)

    # --- faults ----------------------------------------------------------------------------

    def set_uplink(self, uplink_bps: int) -> None:
        _shape(self.origin, "eth0", uplink_bps, UPLINK_BURST, verb="replace")

    def silence_host(self, index: int, silent: bool = True) -> None:
        """Takes the host's cable out (or puts it back): no packet, no reset, either way."""
        command("ip", "-n", self.router, "link", "set", f"p{index}", "down" if silent else "up")

    def silence_origin(self, silent: bool = True) -> None:
        """A hole in the net: nothing passes, and nobody says so. A link that is down would have
        the router answer every packet with "unreachable"."""
        rules = ("add table ip hole; add chain ip hole uplink { type filter hook forward priority "
                 "0; }; add rule ip hole uplink iifname uplink drop; "
                 "add rule ip hole uplink oifname uplink drop"
                 if silent else "delete table ip hole")
        command("ip", "netns", "exec", self.router, "nft", rules)

    # --- counters --------------------------------------------------------------------------

    def origin_traffic(self) -> Traffic:
        """`to_host` is what left the origin, `from_host` what reached it."""
        link = _link_counters(self.router)["uplink"]
        return Traffic(to_host=_payload(link["rx"]), from_host=_payload(link["tx"]),
                       wire_to_host=_wire_bytes(self.origin, "eth0"))

    def host_traffic(self) -> list[Traffic]:
        links = _link_counters(self.router)
        return [Traffic(to_host=_payload(links[f"p{index}"]["tx"]),
                        from_host=_payload(links[f"p{index}"]["rx"]))
                for index in range(self.hosts)]


# --- what the kernel says ------------------------------------------------------------------

def _link_counters(namespace: str) -> dict[str, dict]:
    links = json.loads(command("ip", "-n", namespace, "-s", "-j", "link", "show"))
    return {link["ifname"]: link["stats64"] for link in links}


def _payload(counter: dict) -> int:
    """A large segment counts as one packet with one set of headers, an acknowledgement as nothing
    but headers: so bytes less headers times packets is payload, however segments were cut."""
    return max(0, counter["bytes"] - HEADERS * counter["packets"])


def _wire_bytes(namespace: str, device: str) -> int:
    """The queue counts every frame's headers, also inside large segments."""
    queues = json.loads(command("tc", "-n", namespace, "-s", "-j", "qdisc", "show", "dev", device))
    return next(queue["bytes"] for queue in queues if queue["kind"] == "tbf")


def _batch(namespace: str, lines: list[str]) -> None:
    command("ip", "-n", namespace, "-batch", "-", given="\n".join(lines) + "\n")


# --- leaving nothing behind ----------------------------------------------------------------

def _start_time(pid: int) -> str:
    """When a process started, in ticks since boot; a pid may come again, the pair does not."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rsplit(")", 1)[1].split()[19]


def _namespaces(prefix: str) -> list[str]:
    folder = Path("/run/netns")
    return sorted(p.name for p in folder.glob(prefix + "*")) if folder.is_dir() else []


def remove_namespaces(prefix: str) -> None:
    for name in _namespaces(prefix):
        listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True,
                                check=False)
        for pid in listed.stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def remove_leftovers() -> None:
    """Removes what earlier labs left when they were killed together with their guardian."""
    for name in _namespaces(PREFIX):
        pid, start = name.removeprefix(PREFIX).split("-")[:2]
        try:
            is_alive = _start_time(int(pid)) == start
        except (FileNotFoundError, ProcessLookupError):
            is_alive = False
        if not is_alive:
            remove_namespaces(f"{PREFIX}{pid}-{start}-")


def _start_guardian(prefix: str, folder: Path | None) -> subprocess.Popen:
    """A process that waits for the lab's end, however it ends, and clears up after it."""
    program = str(Path(__file__).with_name("guardian.py"))
    return subprocess.Popen([sys.executable, program, prefix, *([str(folder)] if folder else [])],
                            stdin=subprocess.PIPE, start_new_session=True)
