"""A peer that lies: the peer protocol with right heads, layer and `have`, and wrong image bytes.

Run as a program: liar.py ADDRESS PORT IMAGE LAYER ENVELOPE PIECE_BYTES
Every piece from the middle of the image on has one bit wrong. It asks nobody for credentials.
"""

from __future__ import annotations

import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def with_lies(image: bytes, piece_bytes: int) -> bytes:
    lying = bytearray(image)
    pieces = -(-len(image) // piece_bytes)
    for piece in range(pieces // 2, pieces):
        lying[min(piece * piece_bytes + piece_bytes // 3, len(image) - 1)] ^= 0x10
    return bytes(lying)


def have_answer(pieces: int) -> bytes:
    """Boot id 1, every piece there (PROTOCOL: u32, u32, one bit for each piece, piece 0 on top)."""
    bits = ((1 << pieces) - 1) << (-pieces % 8)
    return ((1).to_bytes(4, "big") + pieces.to_bytes(4, "big")
            + bits.to_bytes((pieces + 7) // 8, "big"))


def main() -> None:
    address, port, image_path, layer_path, envelope_path, piece_bytes = sys.argv[1:]
    image = with_lies(Path(image_path).read_bytes(), int(piece_bytes))
    bodies = {"layer": Path(layer_path).read_bytes(), "manifest": Path(envelope_path).read_bytes(),
              "have": have_answer(-(-len(image) // int(piece_bytes)))}

    class Peer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            name = self.path.split("?")[0].rsplit("/", 1)[1]
            wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if name in bodies:
                self._answer(200, bodies[name])
            elif wanted:
                begin, end = int(wanted[1]), min(int(wanted[2]), len(image) - 1)
                self._answer(206, image[begin:end + 1],
                             {"Content-Range": f"bytes {begin}-{end}/{len(image)}"})
            else:
                self._answer(200, image)

        def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer((address, int(port)), Peer).serve_forever()


if __name__ == "__main__":
    main()
