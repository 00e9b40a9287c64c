"""What all contestants have in common: files of a size, a start, a check, a measure."""

import contextlib
import os
import resource
import shutil
import time

from . import probe
from .process import DESCRIPTORS, PROXY_CORES, Child, Failure, free_ports, wait_for_port

# 1,000,000 users have to be read and checked before a connection is taken.
START_SECONDS = 180


class Contestant:
    """A proxy. Those who inherit say how it is configured and started."""

    name = ""
    # Users beyond which it is not measured, since it would take too long.
    most_users = None

    def __init__(self, world):
        self.world = world
        self.child = None
        self.port = None
        self.size = None
        self.directory = None
        self.workers = 1

    def version(self):
        raise NotImplementedError

    def configure(self):
        """Writes all files for `self.size` and `self.port` into `self.directory`, and gives the command to start."""
        raise NotImplementedError

    def can(self, size):
        return self.most_users is None or size.users <= self.most_users

    def prepare(self, size, workers=1):
        """Files for the size, on a port that is free."""
        self.size, self.workers = size, workers
        self.directory = self.world.directory / f"{self.name.replace(' ', '-')}-{size}-{workers}"
        shutil.rmtree(self.directory, ignore_errors=True)
        # What is written while it runs has a place of its own, since Portcullis watches the directory of its document.
        (self.directory / "log").mkdir(parents=True)
        self.port, = free_ports(1)
        return self.configure()

    def start(self, size, workers=1, cores=None):
        """Starts it and waits for its first right answer. If another program took the port, it tries another."""
        for _ in range(3):
            command = self.prepare(size, workers)
            self.launch(command, cores)
            if wait_for_port(self.child, self.port, START_SECONDS):
                probe.wait_until_right(self, 30)
                return
            self.child.stop()
        raise Failure(f"{self.name} does not start:\n{self.child.said()}")

    def launch(self, command, cores=None):
        resource.setrlimit(resource.RLIMIT_NOFILE, descriptors())
        log = self.log_file()
        with open(log, "ab") if log else contextlib.nullcontext() as out:
            more = {"stdout": out} if out else {}
            self.child = Child(command, cores or PROXY_CORES, self.world.logs / f"{self.name.replace(' ', '-')}.txt",
                               **more)

    def log_file(self):
        """Where its standard output goes, if that is its log."""
        return None

    def stop(self):
        if self.child:
            self.child.stop()
            self.child = None
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def settle(self):
        """Waits until it does nothing, so that work left over is not counted with the next."""
        before = self.child.cpu()
        for _ in range(50):
            time.sleep(0.05)
            after = self.child.cpu()
            if after - before < 1_000_000:
                return
            before = after


def descriptors():
    """As many descriptors as are needed, or as many as are permitted."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(DESCRIPTORS, hard)
    return limit, hard


def line_writer(path):
    """A file that takes many small writes fast."""
    return open(path, "w", buffering=1 << 20, encoding="ascii")


def executable(*names):
    """The first of the commands that is there; Debian keeps some where users do not look."""
    for name in names:
        found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        if found:
            return found
    return None
