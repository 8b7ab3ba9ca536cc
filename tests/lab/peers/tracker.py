"""The smallest tracker there can be: it names every host of the site, whoever asks.

Run as a program: tracker.py ADDRESS PORT PEER_PORT PEER_ADDRESS…
"""

from __future__ import annotations

import ipaddress
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def answer(peers: list[str], peer_port: int) -> bytes:
    """A compact peer list (BEP 23): four bytes of address, two of port, each."""
    compact = b"".join(ipaddress.ip_address(peer).packed + peer_port.to_bytes(2, "big")
                       for peer in peers)
    return b"d8:intervali5e12:min intervali1e5:peers%d:%se" % (len(compact), compact)


def main() -> None:
    address, port, peer_port, *peers = sys.argv[1:]
    body = answer(peers, int(peer_port))

    class Announce(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer((address, int(port)), Announce).serve_forever()


if __name__ == "__main__":
    main()
