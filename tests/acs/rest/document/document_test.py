#!/usr/bin/env python3
"""docs/openapi.yaml against its own rules (@redocly/cli), and against a running sluice-acs: every
resource is asked, with good and bad requests, through a proxy that compares what goes by with the
document (@stoplight/prism-cli). A difference in an answer fails; one in a request fails where the
request was to be good. Also asks the three resources beside the API.

Needs what `npm ci` puts beside this file (./dev test does it); without it the test is skipped (77).
"""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[3]
DOCUMENT = ROOT / "docs" / "openapi.yaml"
BUILD = ROOT / "build"
TOKEN = "the-admins-token-of-this-test"
CONTENT = b"configuration of a gateway\n" * 40

sys.path.insert(0, str(ROOT / "tests"))

from fleet.programs import Programs, wait_for  # noqa: E402


def program_of(package: str) -> Path:
    return HERE / "node_modules" / ".bin" / package


def a_free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, response: http.client.HTTPResponse):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def violations(self, of: str) -> list[dict]:
        """What the proxy says is not as the document has it, of the request or the response."""
        said = json.loads(self.headers.get("sl-violations", "[]"))
        return [v for v in said if (v.get("location") or ["?"])[0] == of]


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="sluice-document-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        (cls.folder / "logs").mkdir()
        (cls.folder / "token").write_text(TOKEN + "\n", encoding="utf-8")
        (cls.folder / "keys").write_text(f"first:{'a1' * 32}\n", encoding="utf-8")
        cls.programs = Programs(BUILD, cls.folder / "logs")
        cls.addClassCleanup(cls.programs.stop)
        ready = cls.folder / "ready"
        cls.programs.start("sluice-acs", [
            cls.programs.acs, "--listen", "127.0.0.1:0", "--origin-listen", "127.0.0.1:0",
            "--api-listen", "127.0.0.1:0", "--store", cls.folder / "acs.sqlite",
            "--images", cls.folder / "images", "--insecure-lab", "--ready-file", ready,
            "--api-token-file", cls.folder / "token", "--backup-keys", cls.folder / "keys"])
        cls.ports = wait_for("sluice-acs to listen", 20,
                             lambda: ready.exists() and json.loads(ready.read_text() or "null"),
                             cls.programs)
        cls.proxy_port = a_free_port()
        cls.programs.start("prism", [
            program_of("prism"), "proxy", DOCUMENT, f"http://127.0.0.1:{cls.ports['api']}/api/v1",
            "--host", "127.0.0.1", "--port", cls.proxy_port, "--verboseLevel", "warn"])
        wait_for("the proxy to listen", 60, cls._is_proxy_up, cls.programs)
        cls._report_devices()

    @classmethod
    def _is_proxy_up(cls) -> bool:
        try:
            return cls._ask(cls.proxy_port, "GET", "/health").status == 200
        except OSError:
            return False

    @classmethod
    def _report_devices(cls):
        """Two plain CPEs report, so that lists hold something."""
        for number in (1, 2):
            cls.programs.start(f"cpe-{number}", [
                sys.executable, "-m", "plain_cpe", "--acs", f"http://127.0.0.1:{cls.ports['cwmp']}/",
                "--serial", f"S{number}", "--next-version", "2.0", "--connection-port", "-1",
                "--state", cls.folder / f"cpe-{number}"], cwd=ROOT / "tests")
        wait_for("two devices to report", 30, lambda: len(cls._devices()) == 2, cls.programs)

    @classmethod
    def _devices(cls) -> list[dict]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return cls._ask(cls.ports["api"], "GET", "/api/v1/devices", headers=headers).json["devices"]

    @staticmethod
    def _ask(port: int, method: str, path: str, body: bytes | None = None,
             headers: dict | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def ask(self, method: str, path: str, expected: int, body=None, *, is_good=True, token=TOKEN,
            content_type="application/json", **fields) -> Answer:
        """Through the proxy."""
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = content_type
            body = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        answer = self._ask(self.proxy_port, method, path, body, headers)
        what = f"{method} {path}: {answer.body[:400]!r}"
        self.assertEqual(answer.status, expected, what)
        self.assertEqual(answer.violations("response"), [], what)
        if is_good:
            self.assertEqual(answer.violations("request"), [], what)
        if expected >= 400:
            self.assertEqual(answer.json["status"], expected, what)
            self.assertIn("application/problem+json", answer.headers["Content-Type"], what)
        return answer

    # --- the document alone ----------------------------------------------------------------------

    def test_is_a_good_document(self):
        lint = subprocess.run([program_of("redocly"), "lint", DOCUMENT], cwd=HERE,
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(lint.returncode, 0, lint.stdout + lint.stderr)

    # --- what it says of good requests -----------------------------------------------------------

    def test_says_what_looking_gives(self):
        self.ask("GET", "/health", 200, token=None)
        devices = self.ask("GET", "/devices?limit=1&sort=-last_seen&kind=plain", 200).json
        self.assertIn("next", devices)
        identity = devices["devices"][0]["identity"]
        self.ask("GET", f"/devices/{identity}", 200)
        table = self.ask("GET", "/devices", 200, Accept="text/csv")
        self.assertEqual(len(table.body.splitlines()), 3)
        for path in ("/images", "/groups", "/sites", "/rollouts", "/events?limit=3", "/audit",
                     "/policy", "/tokens", "/webhooks", "/upgrades?question=true&limit=5",
                     "/backups?device=none", "/backups/keys"):
            self.ask("GET", path, 200)
        for group in self.ask("GET", "/groups", 200).json["groups"]:
            self.ask("GET", f"/groups/{group['id']}", 200)

    def test_says_what_a_rollout_gives(self):
        from hashlib import sha256
        digest = sha256(CONTENT).hexdigest()
        order = {"configuration": {"name": "gw.cfg", "version": "7", "length": len(CONTENT),
                                   "sha256": digest}}
        self.assertEqual(self.ask("POST", "/images", 202, order).json["id"], digest)
        first = {"content_type": "application/octet-stream"}
        self.ask("PUT", f"/images/{digest}/content", 202, CONTENT[:100], **first,
                 Content_Range=f"bytes 0-99/{len(CONTENT)}")
        again = self.ask("PUT", f"/images/{digest}/content", 409, CONTENT[:100], **first,
                         Content_Range=f"bytes 0-99/{len(CONTENT)}")
        self.assertEqual(again.headers["Upload-Offset"], "100")
        self.ask("GET", f"/images/{digest}", 200)
        self.ask("PUT", f"/images/{digest}/content", 201, CONTENT[100:], **first,
                 Content_Range=f"bytes 100-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.ask("POST", "/images", 200, order)
        self.ask("GET", f"/images/{digest}", 200)
        spec = {"image": digest, "name": "spring", "canary": {"count": 1},
                "devices": [device["identity"] for device in self._devices()],
                "waves": [{"percent": 50, "success_percent": 90}], "error": {"percent": 20},
                "windows": [{"days": ["sat", "sun"], "from": "02:00", "to": "05:00"}]}
        made = self.ask("POST", "/rollouts", 201, spec, Idempotency_Key="once")
        self.assertEqual(self.ask("POST", "/rollouts", 201, spec, Idempotency_Key="once").body,
                         made.body)
        path = f"/rollouts/{made.json['id']}"
        self.assertEqual(self.ask("GET", path, 200).headers["ETag"], made.headers["ETag"])
        for part in ("devices", "sites", "devices?state=waiting&limit=1"):
            self.ask("GET", f"{path}/{part}", 200)
        self.ask("POST", f"{path}/pause", 200, If_Match=made.headers["ETag"])
        self.ask("POST", f"{path}/resume", 412, If_Match=made.headers["ETag"])
        for verb in ("resume", "abort"):
            self.ask("POST", f"{path}/{verb}", 200)
        self.ask("POST", f"{path}/release", 409, {"site": "nowhere"})
        self.assertEqual(self.ask("GET", "/audit?limit=1", 200).json["audit"][0]["kind"],
                         "api.call")

    def test_says_what_importing_gives(self):
        identity = self._devices()[0]["identity"]
        self.ask("POST", "/sites", 200, {"sites": [{"identity": identity, "site": "depot"}]})
        self.ask("POST", "/devices/import", 200, f"identity,site\n{identity},\n".encode(),
                 content_type="text/csv")
        self.ask("POST", "/sites", 200, {"sites": [{"identity": "never-seen", "site": "x"}]})
        self.ask("DELETE", "/devices/never-seen", 404)

    def test_says_what_tokens_webhooks_and_the_policy_give(self):
        token = self.ask("POST", "/tokens", 201, {"name": "look", "role": "viewer"}).json
        self.ask("POST", "/sites", 403, {"sites": [{"identity": "a", "site": "b"}]},
                 token=token["token"])
        self.ask("DELETE", f"/tokens/{token['id']}", 204)
        hook = self.ask("POST", "/webhooks", 201,
                        {"url": "https://localhost:1/x", "kinds": ["rollout.halted"]}).json
        self.ask("GET", f"/webhooks/{hook['id']}", 200)
        self.ask("DELETE", f"/webhooks/{hook['id']}", 204)
        policy = self.ask("GET", "/policy", 200)
        self.ask("PUT", "/policy", 200, policy.json, If_Match=policy.headers["ETag"])
        self.ask("PUT", "/policy", 412, policy.json, If_Match=policy.headers["ETag"])
        self.ask("PUT", "/policy", 428, policy.json)

    def test_says_what_rotating_the_keys_of_backups_gives(self):
        self.assertEqual(self.ask("POST", "/backups/rotate", 202).json["left"], 0)

    def test_says_what_another_acs_gets(self):
        identity = self._devices()[0]["identity"]
        self.ask("POST", "/contacts", 200, {"identity": identity})
        self.ask("POST", "/contacts/batch", 200,
                 {"contacts": [{"identity": identity}, {"identity": "never-seen"}]})
        self.ask("POST", "/calls", 200, {"at_most": 1})
        self.ask("POST", "/contacts", 404, {"identity": "never-seen"})
        self.ask("POST", "/contacts", 422, {"identity": identity, "colour": "red"}, is_good=False)

    # --- and of bad ones -------------------------------------------------------------------------

    def test_says_what_bad_requests_give(self):
        bad = {"is_good": False}
        self.ask("GET", "/devices", 401, token=None, **bad)
        self.ask("GET", "/devices", 401, token="wrong")
        self.ask("GET", "/devices?limit=0", 400, **bad)
        self.ask("GET", "/devices?sort=colour", 400, **bad)
        self.ask("GET", "/events?after=x", 400, **bad)
        for path in ("/devices/none", "/groups/none", "/images/none", "/rollouts/none",
                     "/rollouts/none/devices", "/rollouts/none/sites", "/webhooks/none",
                     "/upgrades/none", "/backups/1", "/backups/none/content",
                     "/images/..%2F..%2Fetc%2Fpasswd",
                     "/devices/x'%3B%20DROP%20TABLE%20device%3B%20--"):
            self.ask("GET", path, 404)
        for verb in ("pause", "resume", "abort", "cancel", "retry"):
            self.ask("POST", f"/rollouts/none/{verb}", 404)
        self.ask("POST", "/backups/7/restore", 404)
        self.ask("DELETE", "/backups/7", 404)
        self.ask("POST", "/upgrades/none/answer", 404, {"answer": "accept", "step": "restore"})
        self.ask("POST", "/upgrades/none/configuration?step=restore", 404, b"x",
                 content_type="application/octet-stream")
        for path in ("/images", "/rollouts", "/sites", "/tokens", "/webhooks",
                     "/upgrades/none/answer"):
            self.ask("POST", path, 422, {}, **bad)
            self.ask("POST", path, 415, b"{}", content_type="text/plain", **bad)
        self.ask("PUT", "/images/none/content", 404, b"x", content_type="application/octet-stream")
        self.ask("DELETE", "/tokens/none", 404)
        self.ask("DELETE", "/webhooks/none", 404)
        malformed = self._ask(self.ports["api"], "POST", "/api/v1/rollouts", b"{", {
            "Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
        self.assertEqual(malformed.status, 400)  # the proxy itself would choke on it

    # --- beside the API --------------------------------------------------------------------------

    def test_has_resources_for_those_who_watch(self):
        port = self.ports["api"]
        self.assertEqual(self._ask(port, "GET", "/health").status, 200)
        self.assertEqual(self._ask(port, "GET", "/ready").status, 200)
        self.assertEqual(self._ask(port, "GET", "/metrics").status, 401)
        metrics = self._ask(port, "GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        self.assertEqual(metrics.status, 200)
        self.assertIn("sluice_cwmp_sessions_total 2", metrics.body.decode())


def main() -> None:
    global BUILD
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--build", type=Path, default=BUILD)
    options, rest = parser.parse_known_args()
    BUILD = options.build
    for program in ("redocly", "prism"):
        if not program_of(program).exists():
            print(f"skipped: no {program} in {HERE / 'node_modules'} (npm ci, by ./dev test)")
            sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
