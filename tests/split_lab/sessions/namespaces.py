"""A router with three sides in network namespaces without names: gone with the process that made them.

    CPE 0, 1, 2 -- bridge cpe0 \\
                                 router (sluice-split)
    ITMS -- itms0              /   \\ coll0 -- two collectors
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1

CPES = 3
ROUTER = {4: "10.{}.0.1", 6: "fd0{}::1"}
ITMS = {4: "10.2.0.10", 6: "fd02::10"}
COLLECTORS = {4: ["10.3.0.10", "10.3.0.11"], 6: ["fd03::10", "fd03::11"]}
SPLITTER = {4: "10.1.0.1", 6: "fd01::1"}


class NotPermitted(Exception):
    """This machine does not let us make namespaces."""


def cpe_address(index: int, family: int) -> str:
    return f"10.1.0.{20 + index}" if family == 4 else f"fd01::{20 + index}"


class Namespace:
    """Held by a child that sleeps in it."""

    def __init__(self) -> None:
        reader, writer = os.pipe()
        self._holder = os.fork()
        if self._holder == 0:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            code = 0 if _libc.unshare(_CLONE_NEWNET) == 0 else ctypes.get_errno()
            os.write(writer, bytes([code]))
            signal.pause()
            os._exit(0)
        code = os.read(reader, 1)[0]
        os.close(reader)
        os.close(writer)
        if code != 0:
            self.close()
            raise NotPermitted(f"no network namespaces here: {os.strerror(code)}")
        self.pid = self._holder

    def close(self) -> None:
        os.kill(self._holder, signal.SIGKILL)
        os.waitpid(self._holder, 0)

    def start(self, *argv: object, before=None, **options) -> subprocess.Popen:
        def before_exec() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            with open(f"/proc/{self.pid}/ns/net", "rb") as there:
                if _libc.setns(there.fileno(), _CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "cannot enter a namespace")
            if before:
                before()

        return subprocess.Popen([str(word) for word in argv], preexec_fn=before_exec, text=True,
                                **options)

    def run(self, *argv: object, given: str | None = None, before=None,
            timeout: float = 60) -> subprocess.CompletedProcess:
        process = self.start(*argv, before=before, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        out, err = process.communicate(given, timeout=timeout)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def must(self, *argv: object, given: str | None = None) -> str:
        done = self.run(*argv, given=given)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, argv))}: {done.stderr.strip()}")
        return done.stdout

    def ip(self, lines: str) -> None:
        self.must("ip", "-batch", "-", given=lines)


class Network:
    def __init__(self) -> None:
        self._all: list[Namespace] = []
        try:
            self.router = self._make()
            self.itms = self._make()
            self.collector = self._make()
            self.cpes = [self._make() for _ in range(CPES)]
            self._lay_cables()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for namespace in self._all:
            namespace.close()

    def _make(self) -> Namespace:
        self._all.append(Namespace())
        return self._all[-1]

    def _lay_cables(self) -> None:
        for name in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            self.router.must("sysctl", "-q", "-w", f"{name}=1")
        self.router.ip("link add cpe0 type bridge forward_delay 0\nlink set cpe0 up\n")
        for index, cpe in enumerate(self.cpes):
            self.router.ip(f"link add p{index} type veth peer name eth0 netns {cpe.pid}\n"
                           f"link set p{index} master cpe0 up\n")
            self._address(cpe, 1, [cpe_address(index, 4)], [cpe_address(index, 6)])
        self._give(self.router, "cpe0", ROUTER[4].format(1), ROUTER[6].format(1))
        for number, name, host, addresses in (
                (2, "itms0", self.itms, {4: [ITMS[4]], 6: [ITMS[6]]}),
                (3, "coll0", self.collector, COLLECTORS)):
            self.router.ip(f"link add {name} up type veth peer name eth0 netns {host.pid}\n")
            self._give(self.router, name, ROUTER[4].format(number), ROUTER[6].format(number))
            self._address(host, number, addresses[4], addresses[6])

    def _address(self, host: Namespace, number: int, v4: list[str], v6: list[str]) -> None:
        host.ip("link set lo up\nlink set eth0 up\n")
        for four, six in zip(v4, v6):
            self._give(host, "eth0", four, six)
        host.ip(f"route add default via {ROUTER[4].format(number)}\n"
                f"route add default via {ROUTER[6].format(number)}\n")

    @staticmethod
    def _give(host: Namespace, device: str, v4: str, v6: str) -> None:
        host.ip(f"address add {v4}/24 dev {device}\n"
                f"address add {v6}/64 dev {device} nodad\n")
