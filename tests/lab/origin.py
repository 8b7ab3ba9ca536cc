"""nginx with sendfile and ranges: the origin of every run, and a master that forwards."""

from __future__ import annotations

import re
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from lab.processes import Processes, enter_namespace

PORT = 80

_CONFIGURATION = """
daemon off;
master_process off;
user root;
pid {state}/nginx.pid;
error_log {state}/nginx-error.log warn;
events {{ worker_connections 4096; }}
http {{
    log_format lab '$msec $remote_addr $status $body_bytes_sent "$request" "$http_range"';
    access_log {state}/access.log lab;
    client_body_temp_path {state}/body;
    proxy_temp_path {state}/proxy;
    fastcgi_temp_path {state}/fastcgi;
    uwsgi_temp_path {state}/uwsgi;
    scgi_temp_path {state}/scgi;
    default_type application/octet-stream;
    sendfile on;
    tcp_nodelay on;
    keepalive_requests 100000;
    server {{ listen {address}:{port} backlog=4096; root {root}; }}
}}
"""

_LINE = re.compile(r'^(\S+) (\S+) (\d+) (\d+) "([^"]*)" "([^"]*)"$')


@dataclass(frozen=True)
class Request:
    """One line of the access log; `body_bytes` is what nginx handed to the socket."""

    at: float
    client: str
    status: int
    body_bytes: int
    line: str
    wanted_range: str


class Nginx:
    def __init__(self, namespace: str, address: str, root: Path, state: Path):
        self.namespace = namespace
        self.address = address
        self.root = root
        self._state = state

    def start(self, processes: Processes) -> subprocess.Popen:
        self._state.mkdir(parents=True, exist_ok=True)
        configuration = self._state / "nginx.conf"
        configuration.write_text(_CONFIGURATION.format(
            state=self._state, address=self.address, port=PORT, root=self.root), encoding="utf-8")
        process = processes.start(["nginx", "-c", str(configuration)],
                                  namespace=self.namespace, log=f"nginx-{self.address}")
        wait_until_listening(self.namespace, self.address, PORT)
        return process

    def url(self, name: str) -> str:
        return f"http://{self.address}/{name}"

    def requests(self) -> list[Request]:
        log = self._state / "access.log"
        if not log.exists():
            return []
        found = (_LINE.match(line) for line in log.read_text(encoding="utf-8").splitlines())
        return [Request(float(m[1]), m[2], int(m[3]), int(m[4]), m[5], m[6]) for m in found if m]

    def forget_requests(self) -> None:
        """Empties the log between runs; nginx appends, so it goes on at the start."""
        log = self._state / "access.log"
        if log.exists():
            log.write_bytes(b"")


def wait_until_listening(namespace: str, address: str, port: int, limit_s: float = 10.0) -> None:
    """Tries to connect from inside `namespace` until someone answers."""
    outcome: list[BaseException | None] = [None]

    def probe() -> None:
        try:
            enter_namespace(namespace)
            deadline = time.monotonic() + limit_s
            while True:
                try:
                    socket.create_connection((address, port), timeout=1).close()
                    return
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)
        except OSError as error:
            outcome[0] = RuntimeError(f"nobody listens at {address}:{port}: {error}")

    # A namespace belongs to a thread: the lab's own stays where it is.
    thread = threading.Thread(target=probe)
    thread.start()
    thread.join()
    if outcome[0] is not None:
        raise outcome[0]
