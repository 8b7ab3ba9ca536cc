"""The device's configuration: one file, replaced as a whole, with what the factory put there."""
import hashlib
import os
from pathlib import Path


class Configuration:
    def __init__(self, folder, serial):
        self.path = Path(folder) / f"configuration-{serial}.cfg"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.factory = f"# {serial}\nvoip=off\n".encode()
        self.name = ""
        if not self.path.exists():
            self.reset()

    def read(self):
        return self.path.read_bytes()

    def write(self, bytes_, name):
        beside = self.path.with_suffix(".new")
        with open(beside, "wb") as file:
            file.write(bytes_)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self.path)
        self.name = name

    def reset(self):
        self.write(self.factory, "")

    def version(self):
        return hashlib.sha256(self.read()).hexdigest()[:16]
