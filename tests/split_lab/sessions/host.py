#!/usr/bin/env python3
"""The hosts of the lab as real processes: a server of reports (ITMS or collector), a CPE, and a
collector's connection request. What happened is told on standard output, one JSON object a line."""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import socketserver
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_say_lock = threading.Lock()


def say(**event) -> None:
    with _say_lock:
        print(json.dumps(event), flush=True)


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: str, port: int, handler):
        self.address_family = family_of(address)
        super().__init__((address, port), handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer would look its own name up


# --- server --------------------------------------------------------------------------------

def serve(args) -> None:
    class Reports(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            say(who=args.name, at=self.connection.getsockname()[0], cpe=self.client_address[0],
                port=self.client_address[1], body=body.decode())
            answer = args.name.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_) -> None:
            pass

    for address in args.address:
        for port in args.port:
            server = _Server(address, port, Reports)
            if args.certificate and port == args.port[-1]:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(args.certificate)
                server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
    say(ready=True)
    threading.Event().wait()


# --- CPE -----------------------------------------------------------------------------------

class Cpe:
    """Reports when it is woken and when it is told to; `style` says with how many connections."""

    def __init__(self, args) -> None:
        self.args = args
        self.lock = threading.Lock()
        self.open: http.client.HTTPConnection | None = None

    def connect(self, port: int) -> http.client.HTTPConnection:
        args = self.args
        itms = next(itms for itms in args.itms
                    if family_of(itms) == family_of(self.source))
        if port != args.port:
            context = ssl._create_unverified_context()
            return http.client.HTTPSConnection(itms, port, timeout=5, context=context,
                                               source_address=(self.source, 0))
        return http.client.HTTPConnection(itms, port, timeout=5, source_address=(self.source, 0))

    def session(self, why: str, source: str, style: str) -> None:
        self.source = source
        answers = []
        certificate = ""
        with self.lock:
            try:
                port = self.args.tls_port if style == "tls" else self.args.port
                link = self.connect(port)
                for number in range(4):
                    if style == "each" and number > 0:
                        link.close()
                        link = self.connect(port)
                    link.request("POST", "/", f"{why} {number}")
                    answers.append(link.getresponse().read().decode())
                    if style == "tls":
                        der = link.sock.getpeercert(True)
                        certificate = ssl.DER_cert_to_PEM_cert(der)
                link.close()
            except OSError as error:
                answers.append(f"error: {error}")
        say(session=why, source=source, answers=answers, certificate=certificate)

    def begin_long(self, source: str) -> None:
        self.source = source
        self.open = self.connect(self.args.port)
        self.go_on_long("begin")

    def go_on_long(self, why: str) -> None:
        try:
            self.open.request("POST", "/", why)
            say(long=why, answer=self.open.getresponse().read().decode())
        except OSError as error:
            say(long=why, answer=f"error: {error}")

    def end_long(self) -> None:
        self.open.close()
        say(long="end", answer="")


def cpe(args) -> None:
    me = Cpe(args)

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            source = self.connection.getsockname()[0]
            say(called_by=self.client_address[0])
            is_known = "Authorization" in self.headers or self.path == "/open"
            if is_known and self.headers.get("X-Hold"):
                # Reports first, and is heard by the collector only then.
                me.session("early", source, "one")
            self.send_response(200 if is_known else 401)
            if not is_known:
                self.send_header("WWW-Authenticate", 'Digest realm="cpe", nonce="1", qop="auth"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.wfile.flush()
            if is_known and not self.headers.get("X-Hold"):
                style = self.headers.get("X-Style", "one")
                wait = float(self.headers.get("X-Wait", "0.2"))
                threading.Timer(wait, me.session, ("woken", source, style)).start()

        def log_message(self, *_) -> None:
            pass

    for address in args.address:
        server = _Server(address, 7547, Requests)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    say(ready=True)
    for line in sys.stdin:
        word, *rest = line.split()
        if word == "session":
            me.session("periodic", rest[0], rest[1] if len(rest) > 1 else "one")
        elif word == "begin":
            me.begin_long(rest[0])
        elif word == "go-on":
            me.go_on_long("go-on")
        elif word == "end":
            me.end_long()


# --- connection request ------------------------------------------------------------------

def call(args) -> None:
    """401, then 200, on two connections; `hold` keeps the second open that long after the answer."""
    answers = []

    def get(headers: dict[str, str]) -> http.client.HTTPConnection:
        link = http.client.HTTPConnection(args.to, 7547, timeout=10, source_address=(args.source, 0))
        link.request("GET", "/open" if args.once else "/", headers=headers)
        answers.append(link.getresponse().status)
        return link

    if not args.once:
        get({"Connection": "close"}).close()
    headers = {"Authorization": "Digest x", "X-Style": args.style, "X-Wait": str(args.wait)}
    if args.hold:
        headers["X-Hold"] = "1"
    link = get(headers)
    time.sleep(args.hold)
    link.close()
    say(answers=answers)


def main() -> None:
    parser = argparse.ArgumentParser()
    parts = parser.add_subparsers(required=True)
    part = parts.add_parser("serve")
    part.set_defaults(run=serve)
    part.add_argument("--name", required=True)
    part.add_argument("--address", nargs="+", required=True)
    part.add_argument("--port", type=int, nargs="+", required=True)
    part.add_argument("--certificate")
    part = parts.add_parser("cpe")
    part.set_defaults(run=cpe)
    part.add_argument("--address", nargs="+", required=True)
    part.add_argument("--itms", nargs="+", required=True)
    part.add_argument("--port", type=int, required=True)
    part.add_argument("--tls-port", type=int, required=True)
    part = parts.add_parser("call")
    part.set_defaults(run=call)
    part.add_argument("--source", required=True)
    part.add_argument("--to", required=True)
    part.add_argument("--style", default="one")
    part.add_argument("--hold", type=float, default=0)
    part.add_argument("--wait", type=float, default=0.2)
    part.add_argument("--once", action="store_true")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
