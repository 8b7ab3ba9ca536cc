"""Stands before a server at an address of its own, and passes on what it hears: killed, it is a server that
died while the one behind it lives; with --refuse, one that ends a connection whose client says that."""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
from pathlib import Path

from fleet.programs import Programs, wait_for

ADDRESS = "127.250.0.1"  # nobody else's: a port that was free is free again
CHUNK = 64 * 1024


class Relay:
    """As a program among others."""

    def __init__(self, programs: Programs, name: str, refuses: str = "") -> None:
        self._programs, self.name, self._refuses = programs, name, refuses
        with socket.socket() as probe:
            probe.bind((ADDRESS, 0))
            self.port = probe.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.port}"

    def start(self, to: int) -> None:
        self._programs.start(self.name, [
            sys.executable, "-m", "fleet.relay", "--port", self.port, "--to", to,
            "--refuse", self._refuses], cwd=Path(__file__).resolve().parents[1])
        wait_for(f"{self.name} to listen", 10, self._is_there, self._programs)

    def kill(self) -> None:
        self._programs.kill(self.name)

    def stop_refusing(self, to: int) -> None:
        self._refuses = ""
        self.kill()
        self.start(to)

    def _is_there(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((ADDRESS, self.port)) == 0


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, refused: bytes) -> None:
    last = b""
    while chunk := await source.read(CHUNK):
        if refused and refused in last + chunk:
            raise ConnectionAbortedError
        last = chunk[-len(refused):] if refused else b""
        sink.write(chunk)
        await sink.drain()
    sink.write_eof()


async def _serve(port: int, to: int, refused: bytes) -> None:
    async def relay(client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        ends = [answer]
        try:
            server, request = await asyncio.open_connection("127.0.0.1", to)
            ends.append(request)
            await asyncio.gather(_pass_on(client, request, refused), _pass_on(server, answer, b""))
        except OSError:
            pass
        for end in ends:
            end.transport.abort()

    listener = await asyncio.start_server(relay, ADDRESS, port)
    await listener.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--to", type=int, required=True, help="a port of this machine")
    parser.add_argument("--refuse", default="")
    options = parser.parse_args()
    asyncio.run(_serve(options.port, options.to, options.refuse.encode()))
