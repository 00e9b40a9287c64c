"""Measuring: all contestants of a row stand ready, and in each round each has its turn."""

import copy
import random
import statistics
import sys
from dataclasses import dataclass, field

from . import probe, quiet
from .process import Failure
from .quiet import DISTURBED, PATIENCE

WARM_SECONDS = 2
# How often one measure is taken at the most, where other programs disturb it.
MOST_TRIES = 4


@dataclass
class Measures:
    """What one contestant took in one row, round by round."""

    name: str
    cpu: list = field(default_factory=list)  # microseconds of the proxy's processes for one request
    rate: list = field(default_factory=list)  # requests per second
    busy: list = field(default_factory=list)  # the part of its core that it used
    p50: list = field(default_factory=list)
    p99: list = field(default_factory=list)
    others: list = field(default_factory=list)  # the part of the machine that other programs took
    memory: int = 0

    def median(self, what):
        return statistics.median(getattr(self, what))


def say(text):
    print(text, file=sys.stderr, flush=True)


def measure_rows(rows, contestants, options):
    """The measures of each row, in the order of the contestants; those that cannot do a row are left out.

    Rows that are compared with each other are measured together: what else the machine does then falls on all alike.
    """
    # Each row has contestants of its own, since all of them run at once.
    pairs = [(row, copy.copy(one)) for row in rows for one in contestants if one.can(row.size)]
    results = {row.title: [] for row in rows}
    turns = []
    try:
        for row, one in pairs:
            one.start(row.size)
            probe.check_headers(one)
            PATIENCE.wait_for_quiet()
            row.client(one, WARM_SECONDS)
            taken = Measures(one.name)
            results[row.title].append(taken)
            turns.append((row, one, taken))
        for number in range(options.rounds):
            # In another order each time, so that none always follows the same one; the same orders in each run.
            for row, one, taken in random.Random(number).sample(turns, len(turns)):
                measure(row, one, options.seconds, taken)
            say(f"  {rows[0].key}: round {number + 1} of {options.rounds}: " + ", ".join(
                f"{taken.name} {taken.cpu[-1]:.2f}" for _, _, taken in turns))
        for _, one, taken in turns:
            taken.memory = one.child.memory()
        return results
    finally:
        for _, one in pairs:
            one.stop()


def measure(row, contestant, seconds, into):
    """Measures until other programs hardly disturb it, or as often as is worth it; the least disturbed measure counts.

    It is chosen by what others did, never by its figures.
    """
    tries = []
    while len(tries) < MOST_TRIES and not (tries and tries[-1].others <= DISTURBED):
        PATIENCE.wait_for_quiet()
        tries.append(measure_once(row, contestant, seconds))
    taken = min(tries, key=lambda one: one.others)
    load = taken.load
    into.others.append(taken.others)
    into.cpu.append(taken.used / load.requests)
    into.rate.append(load.requests / load.seconds)
    into.busy.append(taken.used / 1e6 / load.seconds)
    into.p50.append(load.p50)
    into.p99.append(load.p99)


@dataclass
class Try:
    load: object
    used: float  # microseconds
    others: float


def measure_once(row, contestant, seconds):
    """One measure, between two checks of the answer."""
    probe.check(contestant, row.kind)
    contestant.settle()
    others = quiet.Others(contestant)
    before = contestant.child.cpu()
    load = row.client(contestant, seconds)
    used = (contestant.child.cpu() - before) / 1000
    share = others.share()
    if not contestant.child.running():
        raise Failure(f"{contestant.name} ended under load:\n{contestant.child.said()}")
    probe.check(contestant, row.kind)
    return Try(load, used, share)
