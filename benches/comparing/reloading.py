"""Row h: how soon a changed document of many users takes effect, and what other requests feel of it."""

import http.client
import os
import statistics
import subprocess
import time

from . import probe
from .clients import helper_command, read_pairs
from .process import CLIENT_CORES, Child, Failure
from .rounds import say
from .tables import Table, Verdict
from .world import SMALL, Size, User

USERS = 100_000
RATE = 2000
BEFORE_SECONDS = 2.5
# A reload that takes longer than this has failed.
PATIENCE_SECONDS = 10
# The document that was in force is given back a little after the new one has come.
AFTERMATH_SECONDS = 0.1
ASKED_EVERY_SECONDS = 0.01


def measure(contestant, helper, options):
    """The table and what became of the targets, with one worker and with two."""
    table = Table(f"h. {USERS:,} users reloaded, at {RATE:,} requests/s over 8 connections",
                  ["workers", "in effect after ms", "min–max", "p99 before ms", "p99 meanwhile ms", "ratio",
                   "longest meanwhile ms"],
                  note="One worker has core 0, two have cores 0 and 1, which they share with client and upstream; the "
                       "thread that reads the document is on the same cores. From the renaming of the document "
                       "until a new token is accepted; asked for every 10 ms. Meanwhile is until 0.1 s after that. "
                       "Medians of the rounds. The others are not measured: nginx looks through its file of users "
                       "at each request, HAProxy starts a new process.")
    verdicts = []
    for workers, cores in ((1, {0}), (2, {0, 1})):
        rounds = []
        for number in range(options.rounds):
            rounds.append(reload_once(contestant, helper, workers, cores))
            say(f"  h: workers: {workers}, round {number + 1}: in effect after {rounds[-1][0]:.0f} ms")
        took, before, meanwhile, longest = (statistics.median(column) for column in zip(*rounds))
        takes = [one[0] for one in rounds]
        table.rows.append([f"{workers}", f"{took:.0f}", f"{min(takes):.0f}–{max(takes):.0f}", f"{before:.2f}",
                           f"{meanwhile:.2f}", f"{meanwhile / before:.2f}", f"{longest:.2f}"])
        label = "one core" if workers == 1 else "two cores, shared with the client"
        verdicts += [Verdict("h", f"in effect, {label}", f"{took / 1000:.2f} s", "≤ 1 s", took <= 1000),
                     Verdict("h", f"p99 of others, {label}", f"{meanwhile / before:.2f} ×", "≤ 1.5 ×",
                             meanwhile <= 1.5 * before)]
    return table, verdicts


def reload_once(contestant, helper, workers, cores):
    """Milliseconds until it is in effect; p99 before and meanwhile, and the longest."""
    contestant.start(Size(USERS), workers, cores)
    # Who asks whether it is in effect does so where the client is, and seldom, to be felt as little as can be.
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, CLIENT_CORES)
    try:
        last = User(USERS - 1)
        fresh = "pcl_" + "n" * 43
        # Beside the directory that is watched.
        candidate = contestant.world.directory / "candidate.toml"
        contestant.write_document(candidate, {last.name: fresh})
        samples = contestant.world.directory / "samples.txt"
        contestant.settle()
        question = Question(contestant, last.authorization(fresh))
        # The load is not stopped early, so that its client can write what it has measured.
        client = Child(helper_command(helper, contestant, "steady", f"--rate={RATE}", f"--samples={samples}",
                                      f"--seconds={BEFORE_SECONDS + 4}"),
                       CLIENT_CORES, contestant.world.logs / "steady.txt", stdout=subprocess.PIPE)
        try:
            client.process.stdout.readline()
            began = time.monotonic()
            time.sleep(BEFORE_SECONDS)
            renamed = time.monotonic()
            candidate.rename(contestant.document)
            accepted = question.wait_until_accepted(renamed + PATIENCE_SECONDS)
            told = client.process.communicate()[0].decode()
        finally:
            client.stop()
        if "requests" not in read_pairs(told):
            raise Failure(f"the load ended early: {client.said()}")
        times = [tuple(map(int, line.split())) for line in samples.read_text().splitlines()]
        # The first half second warms up.
        before = between(times, 0.5, renamed - began)
        meanwhile = between(times, renamed - began, accepted - began + AFTERMATH_SECONDS)
        return (accepted - renamed) * 1000, p99(before), p99(meanwhile), max(meanwhile) / 1000
    finally:
        os.sched_setaffinity(0, own)
        contestant.stop()


class Question:
    """Asks with a token, over one connection, which is open before time is taken."""

    def __init__(self, contestant, authorization):
        self.contestant = contestant
        self.authorization = authorization
        self.connection = http.client.HTTPSConnection("localhost", contestant.port, timeout=PATIENCE_SECONDS,
                                                      context=probe.context(contestant.world))
        if self.is_accepted():
            raise Failure(f"{contestant.name} knows the new token before the document does")

    def wait_until_accepted(self, end):
        """Asks until the token counts; gives the moment."""
        try:
            while time.monotonic() < end:
                if self.is_accepted():
                    return time.monotonic()
                time.sleep(ASKED_EVERY_SECONDS)
        finally:
            self.connection.close()
        raise Failure(f"the new document is not in effect after {PATIENCE_SECONDS} s:\n{self.contestant.child.said()}")

    def is_accepted(self):
        self.connection.request("GET", SMALL, headers={"Authorization": self.authorization})
        answer = self.connection.getresponse()
        answer.read()
        if answer.status not in (200, 401):
            raise Failure(f"{self.contestant.name} answers {answer.status} while it reloads")
        return answer.status == 200


def between(times, first, last):
    return sorted(took for due, took in times if first * 1e6 <= due < last * 1e6)


def p99(times):
    return times[len(times) * 99 // 100] / 1000
