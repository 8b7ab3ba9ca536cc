"""A device that is managed by SNMP, and the servers around it, for real: snmpd with our sub-agent,
tftpd-hpa, vsftpd, and the manager. The device's own programs are a few lines of shell over a folder:
two slots, a configuration, and whether it is well. A reset kills the sub-agent, as it would."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

AUTH, PRIV, COMMUNITY = "authentic-word", "private-word", "commune"


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(what, seconds=20, say="it"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.05)
    raise AssertionError(f"{say} did not come about within {seconds} s")


class Process:
    def __init__(self, argv, log, env=None):
        self.log = pathlib.Path(log)
        self.file = open(log, "a")
        self.is_ = subprocess.Popen([str(a) for a in argv], stdout=self.file, stderr=subprocess.STDOUT,
                                    env={**os.environ, **(env or {})}, start_new_session=True)

    def kill(self, how=signal.SIGKILL):
        if self.is_.poll() is None:
            os.killpg(self.is_.pid, how)
            self.is_.wait(10)
        self.file.close()


# --- the file servers --------------------------------------------------------------------------


class Tftp:
    def __init__(self, folder):
        self.files = pathlib.Path(folder) / "tftp"
        self.files.mkdir()
        self.files.chmod(0o777)
        self.port = free_port()
        self.start()

    def start(self):
        # --create: backups are new files. Its user must be able to write here.
        self.process = Process(["in.tftpd", "--foreground", "--address", f"127.0.0.1:{self.port}",
                                "--user", "nobody", "--secure", "--create", "--permissive",
                                "--umask", "000", self.files], self.files.parent / "tftpd.log")

    def url(self):
        return f"tftp://127.0.0.1:{self.port}"

    def stop(self):
        self.process.kill()


class Ftp:
    CONF = """listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
anonymous_enable=YES
local_enable=NO
write_enable=YES
anon_upload_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
anon_umask=022
anon_root={root}
no_anon_password=YES
pasv_address=127.0.0.1
seccomp_sandbox=NO
secure_chroot_dir=/var/run/vsftpd/empty
"""

    def __init__(self, folder):
        root = pathlib.Path(folder) / "ftp"  # vsftpd wants a root that nobody may write to
        self.files = root / "files"
        self.files.mkdir(parents=True)
        self.files.chmod(0o777)
        self.port = free_port(socket.SOCK_STREAM)
        self.conf = pathlib.Path(folder) / "vsftpd.conf"
        self.conf.write_text(self.CONF.format(port=self.port, root=root))
        os.makedirs("/var/run/vsftpd/empty", exist_ok=True)
        self.start()

    def start(self):
        self.process = Process(["vsftpd", self.conf], self.conf.with_suffix(".log"))
        until(self.answers, say="vsftpd")

    def answers(self):
        with socket.socket() as s:
            s.settimeout(0.5)
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def url(self):
        return f"ftp://127.0.0.1:{self.port}/files"

    def stop(self):
        self.process.kill()


# --- the device ----------------------------------------------------------------------------------

# The programs of the vendor. $D is the device's flash.
TOOLS = {
    "version": 'cat "$D/slot-$(cat "$D/active")/version"',
    "kept-version": 'a=$(cat "$D/active"); [ "$a" = a ] && a=b || a=a; cat "$D/slot-$a/version"',
    "health": '[ ! -e "$D/slot-$(cat "$D/active")/unwell" ]',
    "backup": '[ ! -e "$D/slow" ] || sleep 1; cp "$D/configuration" "$1"',
    # Two copies in turn would be better; a rename is whole or not there.
    "restore": '[ ! -e "$D/refuses-restore" ] || { echo "no such line" >&2; exit 3; }; '
               'cp "$1" "$D/configuration.new" && sync && mv "$D/configuration.new" "$D/configuration"',
    "install": 'a=$(cat "$D/active"); [ "$a" = a ] && a=b || a=a; rm -rf "$D/slot-$a"; mkdir "$D/slot-$a"; '
               'cp "$1" "$D/slot-$a/image" && head -n 1 "$1" > "$D/slot-$a/version" && '
               '{ ! grep -qa "^unwell$" "$1" || touch "$D/slot-$a/unwell"; } && '
               '{ ! grep -qa "^forgets$" "$1" || touch "$D/slot-$a/forgets"; } && '
               'echo "$a" > "$D/next"',
    "reset": 'touch "$D/reboot"; sleep 60',
    "roll-back": 'a=$(cat "$D/active"); [ "$a" = a ] && a=b || a=a; [ -s "$D/slot-$a/version" ] && '
                 'echo "$a" > "$D/next"; touch "$D/reboot"; sleep 60',
}


class Device:
    def __init__(self, folder, program, trap_port=None, v2c=False, falls_back=False):
        self.folder = pathlib.Path(folder) / "device"
        self.program, self.trap_port, self.v2c = program, trap_port, v2c
        self.falls_back = falls_back  # its boot loader leaves an image that is not well
        self.flash = self.folder / "flash"
        for slot in "ab":
            (self.flash / f"slot-{slot}").mkdir(parents=True)
        (self.flash / "slot-a/version").write_text("1.0\n")
        (self.flash / "active").write_text("a\n")
        self.configuration = self.flash / "configuration"
        self.configuration.write_text("users=7\nport=5060\n")
        (self.flash / "converters").mkdir()
        self.port = free_port()
        self.starts = 0
        self.is_over = threading.Event()
        self.snmpd = self.agent = None
        self.start_snmpd()
        self.start_agent()
        self.watch = threading.Thread(target=self.reboot_when_told, daemon=True)
        self.watch.start()

    def start_snmpd(self):
        conf = self.folder / "snmpd.conf"
        lines = [f"agentAddress udp:127.0.0.1:{self.port}", "master agentx",
                 f"agentXSocket unix:{self.folder}/agentx", "agentXPerms 0777 0777",
                 f"createUser iad SHA-256 {AUTH} AES {PRIV}", "rwuser iad priv",
                 f"rwcommunity {COMMUNITY} 127.0.0.1"]
        if self.trap_port and self.v2c:
            lines.append(f"trap2sink 127.0.0.1:{self.trap_port} {COMMUNITY}")
        elif self.trap_port:
            lines.append(f"trapsess -Ci -r 1 -t 1 -v 3 -l authPriv -u iad -a SHA-256 -A {AUTH} "
                         f"-x AES -X {PRIV} 127.0.0.1:{self.trap_port}")
        conf.write_text("\n".join(lines) + "\n")
        state = self.folder / "snmpd-state"
        state.mkdir(exist_ok=True)
        self.snmpd = Process(["snmpd", "-f", "-Lo", "-C", "-c", conf, "-I", "-smux"],
                             self.folder / "snmpd.log", {"SNMP_PERSISTENT_DIR": str(state)})
        until(lambda: (self.folder / "agentx").exists(), say="snmpd")

    def start_agent(self):
        self.starts += 1
        hooks = []
        for name, command in TOOLS.items():
            hooks += [f"--{name}-command", f"D={self.flash}; {command}"]
        self.agent = Process([self.program, "device", "--state", self.folder / "state", "--agentx",
                              f"unix:{self.folder}/agentx", "--converters", self.flash / "converters",
                              "--look-interval", "1", *hooks], self.folder / "agent.log")

    def reboot_when_told(self):
        while not self.is_over.wait(0.05):
            if (self.flash / "reboot").exists():
                self.power_cut()

    def power_cut(self):
        """Off and on again, by whoever: the loader starts what is next and whole."""
        self.agent.kill()
        (self.flash / "reboot").unlink(missing_ok=True)
        following = self.flash / "next"
        if following.exists():
            slot = following.read_text().strip()
            home = self.flash / f"slot-{slot}"
            following.unlink()
            if (home / "version").exists() and not (self.falls_back and (home / "unwell").exists()):
                (self.flash / "active").write_text(slot + "\n")
                if (home / "forgets").exists():
                    self.configuration.write_text("users=0\n")
                    (home / "forgets").unlink()
        if not self.is_over.is_set():
            self.start_agent()

    def version(self):
        slot = (self.flash / "active").read_text().strip()
        return (self.flash / f"slot-{slot}/version").read_text().strip()

    def stop(self):
        self.is_over.set()
        self.watch.join(10)
        self.agent.kill()
        self.snmpd.kill()


# --- the manager -----------------------------------------------------------------------------------


class Manager:
    """`sluice-iad upgrade` of one device."""

    def __init__(self, folder, program, device, server, listen=None, policy=None, v2c=False, more=()):
        self.folder, self.program, self.device, self.server = pathlib.Path(folder), program, device, server
        for name, word in (("auth", AUTH), ("priv", PRIV), ("community", COMMUNITY)):
            (self.folder / name).write_text(word + "\n")
        self.policy = self.folder / "policy.json"
        quick = {"limit_s": 20, "pause_s": 0, "attempts": 2}
        steps = {s: quick for s in ("precheck", "back_up", "transfer", "reset", "verify", "restore",
                                    "roll_back", "verify_roll_back", "put_back", "convert", "compare",
                                    "verify_restore", "verify_put_back", "verify_backup")}
        policy = policy or {}
        merged = {**{"backup": "require", "restore": "always"}, **policy}
        merged["steps"] = {**steps, **policy.get("steps", {})}
        self.policy.write_text(json.dumps(merged))
        self.state = self.folder / "state"
        who = (["--community-file", self.folder / "community"] if v2c else
               ["--user", "iad", "--auth-password-file", self.folder / "auth", "--priv-password-file",
                self.folder / "priv"])
        self.argv = [program, "upgrade", "--device", f"127.0.0.1:{device.port}", "--version", "2.0",
                     "--file-server", server.url(), "--state", self.state, "--policy", self.policy,
                     "--poll", "200", "--settle", "3", *who, *more]
        if listen:
            self.argv += ["--listen", f"127.0.0.1:{listen}"]

    def image(self, text="2.0\n", size=300_000):
        file = self.folder / "image-2.0"
        file.write_bytes(text.encode() + os.urandom(size))
        self.argv += ["--image-file", file]
        return self

    def start(self):
        self.process = Process(self.argv, self.folder / "manager.log")
        return self

    def run(self, seconds=60):
        self.start()
        return self.wait(seconds)

    def wait(self, seconds=60):
        try:
            return self.process.is_.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the upgrade does not end:\n" + self.said()) from None

    def kill(self):
        self.process.kill()

    def answer(self, word, *more):
        subprocess.run([str(a) for a in (self.program, "answer", word, "--state", self.state, "--name",
                                         "127.0.0.1", *more)], check=True)

    def said(self):
        return (self.folder / "manager.log").read_text()

    def waits_for(self, text, seconds=40):
        until(lambda: text in self.said(), seconds, f"'{text}'")


def missing():
    """What a machine must have for these tests; empty: all of it."""
    out = [p for p in ("snmpd", "in.tftpd", "vsftpd") if shutil.which(p, path=os.environ["PATH"] + ":/usr/sbin") is None]
    if os.geteuid() != 0:
        out.append("root")
    return out


def main(module):
    import unittest
    lacks = missing()
    if lacks:
        print("skipped: needs " + ", ".join(lacks))
        sys.exit(77)
    unittest.main(module=module, verbosity=2, argv=[sys.argv[0], *sys.argv[2:]])
