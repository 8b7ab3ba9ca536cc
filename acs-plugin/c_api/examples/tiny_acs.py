#!/usr/bin/env python3
"""A whole ACS around libsluice_acs by ctypes, its rows in SQLite: twelve gateways on three sites go
from 4.2.0 to 4.2.1, and half-way the ACS dies and starts from its rows. It speaks to the planner in
JSON: one exchange is one turn of a session.

    ./tiny_acs.py libsluice_acs.so.1 gw3-4.2.1.manifest.json
"""

import ctypes
import json
import sqlite3
import sys

ABI_VERSION = 1


class Row(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("kind", ctypes.c_char_p), ("key", ctypes.c_char_p),
                ("device", ctypes.c_char_p), ("json", ctypes.POINTER(ctypes.c_char)),
                ("json_size", ctypes.c_size_t)]


Rows = ctypes.POINTER(ctypes.POINTER(Row))
Persist = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, Rows, ctypes.c_size_t)


class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("abi_version", ctypes.c_uint32),
                ("context", ctypes.c_void_p), ("persist", Persist), ("random", ctypes.c_void_p),
                ("origin_url", ctypes.c_char_p), ("origin_username", ctypes.c_char_p),
                ("origin_password", ctypes.c_char_p), ("policy_json", ctypes.c_char_p),
                ("lan_prefixes", ctypes.c_char_p), ("origin_bps", ctypes.c_uint64)]


class Refused(Exception):
    pass


class Library:
    """Calls by name: sluice_planner_<name>(planner, *arguments, &error)."""

    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        self.c.sluice_free.argtypes = [ctypes.c_void_p]
        self.c.sluice_free.restype = None
        self.c.sluice_status_name.restype = ctypes.c_char_p
        if self.c.sluice_abi_version() != ABI_VERSION:
            raise Refused("the library has another ABI version")

    def text(self, pointer):
        """The text that the library gave; it goes back to it."""
        out = ctypes.cast(pointer, ctypes.c_char_p).value.decode()
        self.c.sluice_free(pointer)
        return out

    def call(self, name, *arguments):
        error = ctypes.c_void_p()
        status = getattr(self.c, "sluice_planner_" + name)(*arguments, ctypes.byref(error))
        if status != 0:
            why = self.text(error) if error else ""
            raise Refused(f"{name}: {self.c.sluice_status_name(status).decode()}: {why}")

    def ask(self, name, *arguments):
        """Of calls whose last argument before the error is a text for us."""
        out = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(out))
        return self.text(out)


class Planner:
    def __init__(self, library, db):
        self.library, self.db = library, db
        self.persist = Persist(self.keep)  # must live as long as the planner
        options = Options(size=ctypes.sizeof(Options), abi_version=ABI_VERSION,
                          persist=self.persist, origin_url=b"http://198.51.100.7:7548")
        self.handle = ctypes.c_void_p()
        library.call("create", ctypes.byref(options), ctypes.byref(self.handle))
        for kind, key, text in db.execute("SELECT kind, key, json FROM kept").fetchall():
            buffer = ctypes.create_string_buffer(text.encode())
            row = Row(ctypes.sizeof(Row), kind.encode(), key.encode(), b"",
                      ctypes.cast(buffer, ctypes.POINTER(ctypes.c_char)), len(buffer) - 1)
            one = (ctypes.POINTER(Row) * 1)(ctypes.pointer(row))
            library.call("restore_rows", self.handle, one, ctypes.c_size_t(1))
        library.call("restore_end", self.handle)

    def keep(self, _context, rows, count):
        """All rows of one call in one transaction; 0 once they are on the medium."""
        try:
            with self.db:
                for i in range(count):
                    row = rows[i].contents
                    text = ctypes.string_at(row.json, row.json_size).decode()
                    if row.kind == b"event":
                        self.db.execute("INSERT INTO event(json) VALUES (?)", (text,))
                    elif row.kind == b"gone":
                        self.db.execute("DELETE FROM kept WHERE device = ?", (row.key.decode(),))
                    else:
                        self.db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)",
                                        (row.kind.decode(), row.key.decode(),
                                         row.device.decode(), text))
            return 0
        except sqlite3.Error as error:
            print(error, file=sys.stderr)
            return 1

    def exchange(self, turn, now):
        return json.loads(self.library.ask("exchange", self.handle, json.dumps(turn).encode(),
                                           ctypes.c_int64(now)))

    def operate(self, name, body, now):
        return self.library.ask(name, self.handle, json.dumps(body).encode(), b"example",
                                ctypes.c_int64(now))

    def view(self, what):
        return json.loads(self.library.ask("view", self.handle, what.encode(), None,
                                           ctypes.c_size_t(1000)))

    def on_time(self, now):
        self.library.call("on_time", self.handle, ctypes.c_int64(now))

    def destroy(self):
        self.library.c.sluice_planner_destroy(self.handle)


class Device:
    def __init__(self, number):
        self.number, self.version, self.order = number, "4.2.0", None
        self.identity = f"00D09E-GW3-{number:04}"
        self.is_boot = False

    def report(self):
        return {"manufacturer": "ACME", "oui": "00D09E", "product_class": "GW3",
                "serial": f"{self.number:04}", "hardware_version": "A",
                "software_version": self.version, "kind": "agent", "protocols": ["http/1"],
                "site": f"home-{self.number % 3}", "cache_bytes": 1 << 26,
                "file_server": f"http://192.168.0.{self.number + 1}:7547",
                "cpu_percent": self.number, "is_boot": self.is_boot}

    def session(self, planner, now):
        turn = {"report": self.report()}
        if self.order:  # fetched since; an upgrade is also installed
            if self.order["kind"] == "upgrade":
                self.version, self.is_boot = "4.2.1", True
                turn["report"] = self.report()
            turn["transfers"] = [{"command_key": self.order["command_key"]}]
            self.order, self.is_boot = None, False
        while order := planner.exchange(turn, now)["order"]:
            print(f"{self.identity}: {order['kind']} {order['command_key']} from {order['url']}")
            self.order = order  # the Download goes out, the device takes it
            turn = {"identity": self.identity,
                    "answers": [{"command_key": order["command_key"]}]}


def main(library_path, manifest_path):
    library = Library(library_path)
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE kept(kind, key, device, json, PRIMARY KEY (kind, key))")
    db.execute("CREATE TABLE event(number INTEGER PRIMARY KEY AUTOINCREMENT, json)")
    planner, now = Planner(library, db), 1_780_000_000_000
    devices = [Device(n) for n in range(1, 13)]
    for device in devices:
        device.session(planner, now)
    with open(manifest_path, encoding="utf-8") as file:
        image = planner.operate("publish", {"manifest": file.read()}, now)
    rollout = planner.operate("start_rollout", {"name": "example", "image": image}, now)
    rounds = 0
    while planner.view(f"rollouts/{rollout}")["state"] != "finished" and rounds < 60:
        rounds, now = rounds + 1, now + 60_000
        if rounds == 3:  # the ACS dies; its rows are all that is left
            planner.destroy()
            planner = Planner(library, db)
        planner.on_time(now)
        for device in devices:
            device.session(planner, now)
    updated = sum(device.version == "4.2.1" for device in devices)
    events = db.execute("SELECT COUNT(*) FROM event").fetchone()[0]
    print(f"rollout {rollout}: {updated} of {len(devices)} devices updated after {rounds} rounds, "
          f"{events} events")
    planner.destroy()
    return 0 if updated == len(devices) and rounds < 60 else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
