"""Measuring: all contestants of a row stand ready, and in each round each has its turn."""

import random
import statistics
import sys
from dataclasses import dataclass, field

from . import probe
from .process import Failure

WARM_SECONDS = 1


@dataclass
class Measures:
    """What one contestant took in one row, round by round."""

    name: str
    cpu: list = field(default_factory=list)  # microseconds of the proxy's processes for one request
    rate: list = field(default_factory=list)  # requests per second
    busy: list = field(default_factory=list)  # the part of its core that it used
    p50: list = field(default_factory=list)
    p99: list = field(default_factory=list)
    memory: int = 0

    def median(self, what):
        return statistics.median(getattr(self, what))


def say(text):
    print(text, file=sys.stderr, flush=True)


def measure_row(row, contestants, options):
    """Each contestant's measures, in the order of the contestants; those that cannot do the row are left out."""
    able = [one for one in contestants if one.can(row.size)]
    try:
        for one in able:
            one.start(row.size)
            probe.check_headers(one)
            row.client(one, WARM_SECONDS)
        results = {one.name: Measures(one.name) for one in able}
        for number in range(options.rounds):
            # In another order each time, so that none always follows the same one; the same orders in each run.
            for one in random.Random(number).sample(able, len(able)):
                measure(row, one, options.seconds, results[one.name])
            say(f"  {row.key}: round {number + 1} of {options.rounds}: " + ", ".join(
                f"{name} {taken.cpu[-1]:.2f}" for name, taken in results.items()))
        for one in able:
            results[one.name].memory = one.child.memory()
        return list(results.values())
    finally:
        for one in able:
            one.stop()


def measure(row, contestant, seconds, into):
    """One measure, between two checks of the answer."""
    probe.check(contestant, row.kind)
    contestant.settle()
    before = contestant.child.cpu()
    load = row.client(contestant, seconds)
    used = (contestant.child.cpu() - before) / 1000
    if not contestant.child.running():
        raise Failure(f"{contestant.name} ended under load:\n{contestant.child.said()}")
    probe.check(contestant, row.kind)
    into.cpu.append(used / load.requests)
    into.rate.append(load.requests / load.seconds)
    into.busy.append(used / 1e6 / load.seconds)
    into.p50.append(load.p50)
    into.p99.append(load.p99)
