"""The machine: what has to be there, building it, and what the results say of it."""

import datetime
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .contestant import executable
from .process import Failure, run

# Debian's packages, and a command of each.
PACKAGES = {"nginx-light": "nginx", "haproxy": "haproxy", "wrk": "wrk", "nghttp2-client": "h2load"}


@dataclass
class Programs:
    target: Path
    portcullis: Path
    helper: Path


def check():
    if platform.system() != "Linux":
        raise Failure("it needs Linux")
    if not {0, 1} <= os.sched_getaffinity(0):
        raise Failure("it needs two cores, numbers 0 and 1: one for the proxy, one for client and upstream")


def install():
    """Installs what is missing, and only that."""
    missing = [package for package, command in PACKAGES.items() if not executable(command)]
    if not missing:
        return
    words = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if not shutil.which("apt-get"):
        raise Failure(f"these are missing, and there is no apt-get: {' '.join(missing)}")
    if os.geteuid() != 0:
        raise Failure(f"these are missing: {' '.join(missing)}\nRun this, then benches/compare again:\n"
                      f"    sudo apt-get update && sudo {' '.join(words)}")
    print(f"benches/compare: installing {' '.join(missing)}", file=sys.stderr)
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (["apt-get", "update", "--quiet"], words):
        call(command, env=environment)


def build(root):
    """Portcullis and the helper, in release."""
    cargo = shutil.which("cargo", path=os.environ.get("PATH", "") + f":{Path.home()}/.cargo/bin")
    if not cargo:
        raise Failure("cargo is missing; install the Rust toolchain: https://rustup.rs")
    call([cargo, "build", "--release", "--locked", "--quiet", "--bin", "portcullis", "--example", "load"], cwd=root)
    target = root / os.environ.get("CARGO_TARGET_DIR", "target")
    return Programs(target, target / "release" / "portcullis", target / "release" / "examples" / "load")


def call(command, **more):
    # Standard output is the report's alone.
    if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False, **more).returncode != 0:
        raise Failure(f"this failed: {' '.join(command)}")


def facts(options):
    """What the figures depend on, by name."""
    processor = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                      if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    wrk = run(["wrk", "-v"], both=True, may_fail=True).split()[1]
    return [
        ("processor", f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB of memory"),
        ("system", f"{system}, Linux {platform.release()}"),
        ("clients", f"wrk {wrk}, {run(['h2load', '--version']).strip()}, examples/load"),
        ("date", datetime.date.today().isoformat()),
        ("command", " ".join(["benches/compare", *sys.argv[1:]])),
        ("rounds", f"{options.rounds}, {options.seconds} s each, after a warm-up"),
    ]
