"""Where the ACS may call: a connection request is a GET with Digest on a random path."""
import hashlib
import os
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .device import start_thread


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


class Listener:
    def __init__(self, address, port, username, password, on_call):
        self.path = "/" + os.urandom(8).hex()
        self.username, self.password, self.on_call = username, password, on_call
        self.nonces = set()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                listener.answer(self)

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer((address, port), Handler)
        self.url = f"http://{address}:{self.server.server_address[1]}{self.path}"
        start_thread(self.server.serve_forever)

    def answer(self, handler):
        status = 404
        if handler.path == self.path:
            is_right = not self.username or self.check(handler.headers.get("Authorization", ""))
            status = 200 if is_right else 401
        handler.send_response(status)
        if status == 401:
            nonce = os.urandom(16).hex()
            self.nonces.add(nonce)
            handler.send_header("WWW-Authenticate",
                                f'Digest realm="cpe", nonce="{nonce}", qop="auth", algorithm=MD5')
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        if status == 200:
            self.on_call()

    def check(self, field):
        said = {k.lower(): quoted or bare for k, quoted, bare in
                re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', field)}
        if said.get("nonce") not in self.nonces:
            return False
        self.nonces.discard(said["nonce"])
        ha1 = md5(f"{self.username}:cpe:{self.password}")
        ha2 = md5(f"GET:{self.path}")
        want = md5(f"{ha1}:{said['nonce']}:{said.get('nc')}:{said.get('cnonce')}:auth:{ha2}")
        return said.get("response") == want and said.get("username") == self.username
