"""HTTP with Digest (RFC 2617, MD5, qop=auth) and Basic, on http.client."""
import base64
import hashlib
import http.client
import os
import re
import ssl
from urllib.parse import urlsplit


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def digest_authorization(challenge, method, uri, username, password, count=1):
    fields = {k.lower(): quoted or bare for k, quoted, bare in
              re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', challenge)}
    realm, nonce, cnonce, nc = fields["realm"], fields["nonce"], os.urandom(8).hex(), f"{count:08x}"
    ha1, ha2 = md5(f"{username}:{realm}:{password}"), md5(f"{method}:{uri}")
    parts = [f'username="{username}"', f'realm="{realm}"', f'nonce="{nonce}"', f'uri="{uri}"']
    if "qop" in fields:
        parts += ["qop=auth", f"nc={nc}", f'cnonce="{cnonce}"']
        response = md5(f"{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}")
    else:
        response = md5(f"{ha1}:{nonce}:{ha2}")
    if "opaque" in fields:
        parts.append(f'opaque="{fields["opaque"]}"')
    return "Digest " + ", ".join(parts + [f'response="{response}"'])


class Client:
    """One server, one connection, opened again when the server has closed it."""

    def __init__(self, url, username="", password="", local_address=None, ca_file=None,
                 timeout=60):
        self.url = urlsplit(url)
        self.username, self.password = username, password
        self.local_address, self.ca_file, self.timeout = local_address, ca_file, timeout
        self.connection = None
        self.challenge, self.count = None, 0

    def path(self):
        return (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")

    def connect(self):
        source = (self.local_address, 0) if self.local_address else None
        if self.url.scheme == "https":
            context = ssl.create_default_context(cafile=self.ca_file)
            self.connection = http.client.HTTPSConnection(
                self.url.hostname, self.url.port, timeout=self.timeout, context=context,
                source_address=source)
        else:
            self.connection = http.client.HTTPConnection(
                self.url.hostname, self.url.port, timeout=self.timeout, source_address=source)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def authorization(self, method):
        if not self.challenge:
            return {}
        if self.challenge.lower().startswith("basic"):
            pair = f"{self.username}:{self.password}".encode()
            return {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        self.count += 1
        return {"Authorization": digest_authorization(
            self.challenge, method, self.path(), self.username, self.password, self.count)}

    def exchange(self, method, body=None, headers=None):
        """The http.client response, its body unread; a challenge is answered once."""
        for attempt in (0, 1):
            response = self.send(method, body, {**(headers or {}), **self.authorization(method)})
            if response.status != 401 or attempt or not self.username:
                return response
            offers = response.headers.get_all("WWW-Authenticate") or []
            response.read()
            digests = [o for o in offers if o.lower().startswith("digest") and "SHA-256" not in o]
            self.challenge = (digests or offers or [None])[0]
            self.count = 0
        return response

    def send(self, method, body, headers):
        for attempt in (0, 1):
            if self.connection is None:
                self.connect()
            try:
                self.connection.request(method, self.path(), body=body, headers=headers)
                return self.connection.getresponse()
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self.close()
                if attempt:
                    raise
