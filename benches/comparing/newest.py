"""The newest nginx and HAProxy that Debian has, beside those of the system.

They are fetched with all libraries that they need, the C library among them, unpacked below the target directory and
run through their own dynamic linker. Nothing of it is installed.
"""

import os
import shutil
import subprocess
from pathlib import Path

from .machine import call
from .process import Failure

SUITES = ("sid", "experimental")
MIRROR = "http://deb.debian.org/debian"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Newest:
    """The tree of what was unpacked."""

    def __init__(self, target):
        self.home = target / "compare" / "newest"
        self.root = self.home / "root"

    def fetch(self):
        """Fetches and unpacks anew if there are versions that were not unpacked yet."""
        if not shutil.which("apt-get") or not Path(KEYS).exists():
            raise Failure("--newest needs apt-get and Debian's keys (debian-archive-keyring)")
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        # As if nothing were installed, so that all libraries come along.
        (self.home / "state" / "status").write_text("")
        (self.home / "sources.list").write_text(
            "".join(f"deb [signed-by={KEYS}] {MIRROR} {suite} main\n" for suite in SUITES))
        self._apt("apt-get", "update")
        wanted = [f"{package}={self._newest(package)}" for package in ("nginx", "haproxy")]
        unpacked = self.home / "unpacked.txt"
        if unpacked.exists() and unpacked.read_text().split() == wanted:
            return
        archives = self.home / "cache" / "archives"
        for old in archives.glob("*.deb"):
            old.unlink()
        self._apt("apt-get", "install", "--yes", "--no-install-recommends", "--download-only", *wanted)
        shutil.rmtree(self.root, ignore_errors=True)
        for package in sorted(archives.glob("*.deb")):
            call(["dpkg-deb", "-x", str(package), str(self.root)])
        unpacked.write_text("\n".join(wanted))

    def _newest(self, package):
        """The highest version in all suites."""
        lines = self._apt("apt-cache", "madison", package).splitlines()
        versions = [line.split("|")[1].strip() for line in lines]
        if not versions:
            raise Failure(f"Debian has no {package} in {' or '.join(SUITES)}")
        best = versions[0]
        for version in versions[1:]:
            if subprocess.run(["dpkg", "--compare-versions", version, "gt", best], check=False).returncode == 0:
                best = version
        return best

    def _apt(self, program, *words):
        """apt with its own lists, cache and state, apart from the system's."""
        options = {"Dir::State": self.home / "state", "Dir::State::status": self.home / "state" / "status",
                   "Dir::Cache": self.home / "cache", "Dir::Etc::sourcelist": self.home / "sources.list",
                   "Dir::Etc::sourceparts": "/dev/null", "Dir::Etc::preferences": "/dev/null",
                   "Dir::Etc::preferencesparts": "/dev/null", "Acquire::Languages": "none",
                   # Its own user may not write here.
                   "APT::Sandbox::User": "root" if os.geteuid() == 0 else ""}
        command = [program, "--quiet", *(f"-o{name}={value}" for name, value in options.items()), *words]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{program} {words[0]} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
        return done.stdout

    def command(self, name):
        """How to start a program of the tree."""
        linker = next(self.root.glob("**/ld-linux-*.so.2"), None)
        library = next(self.root.glob("**/libc.so.6"), None)
        ssl = next(self.root.glob("**/libssl.so.3"), None)
        if not (linker and library and ssl):
            raise Failure(f"there is no C library or OpenSSL below {self.root}")
        # Packages of different age have them in /lib or in /usr/lib.
        places = ":".join(dict.fromkeys(str(found.parent) for found in (library, ssl)))
        return [linker, "--library-path", places, self.root / "usr" / "sbin" / name]
