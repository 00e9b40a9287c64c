"""Processes: starting them on their cores, what they cost, and ending them whatever happens."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

PROXY_CORES = {0}
CLIENT_CORES = {1}
# Descriptors for 10,000 connections on each side, where the system permits it.
DESCRIPTORS = 20000

_children = []


class Failure(Exception):
    """Something that the person who started the comparison has to see."""


class Child:
    """A process that is ended with the comparison, with the processes that it has started itself."""

    def __init__(self, command, cores, output, **more):
        self.output = Path(output)
        with open(output, "ab") as out:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=more.pop("stdin", subprocess.DEVNULL),
                stdout=more.pop("stdout", out),
                stderr=more.pop("stderr", out),
                # A session of its own: Ctrl-C reaches only this program, which ends the others in order.
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cores),
                **more,
            )
        self.pid = self.process.pid
        _children.append(self)

    def running(self):
        return self.process.poll() is None

    def said(self):
        """The end of what it printed, for an error."""
        return self.output.read_text(errors="replace")[-2000:]

    def stop(self):
        """Ends it, first politely, and all that belong to its session."""
        for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                pass
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            if not self._group_lives():
                break
        if self in _children:
            _children.remove(self)

    def _group_lives(self):
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def family(self):
        """The process and all that it has started, and they in turn."""
        found, waiting = [], [self.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    waiting += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
            except FileNotFoundError:
                pass
        return found

    def cpu_by_thread(self):
        """Nanoseconds on a core, user and system time together, by thread."""
        times = {}
        for pid in self.family():
            try:
                tasks = os.listdir(f"/proc/{pid}/task")
            except FileNotFoundError:
                continue
            for task in tasks:
                try:
                    times[task] = int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
                except (FileNotFoundError, ProcessLookupError):
                    pass
        return times

    def cpu(self):
        return sum(self.cpu_by_thread().values())

    def memory(self):
        """Bytes of resident memory, what processes share counted once (Pss)."""
        total = 0
        for pid in self.family():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total


def stop_all():
    for child in list(_children):
        child.stop()


def run(command, cores=None, both=False, may_fail=False, **more):
    """Runs a client to its end and gives what it printed; with `both` also what stands on standard error."""
    child = Child(command, cores or CLIENT_CORES, "/dev/null", stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    try:
        out, err = child.process.communicate()
    finally:
        child.stop()
    if child.process.returncode != 0 and not may_fail:
        raise Failure(f"{command[0]} failed:\n{(out + err).decode(errors='replace')[-2000:]}")
    return (out + err if both else out).decode(errors="replace")


def free_ports(count):
    """Ports that nobody listens on; they are taken together, so that they differ."""
    sockets = []
    for _ in range(count):
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        sockets.append(taken)
    ports = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports


def wait_for_port(child, port, seconds):
    """Waits until connections are taken; False if the child ended instead, for instance since the port was taken."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not child.running():
            return False
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.002)
    raise Failure(f"nothing listens on port {port} after {seconds} s:\n{child.said()}")
