"""Row g: what an idle connection takes of memory."""

import statistics
import subprocess
import time

from . import probe
from .clients import helper_command, read_pairs
from .process import CLIENT_CORES, Child, Failure
from .rounds import say
from .tables import PORTCULLIS, Table, Verdict, best_peer, ratio_text
from .world import Size

CONNECTIONS = 10_000
# Memory hardly differs between rounds, and each one opens all connections again.
MOST_ROUNDS = 3
# For buffers that are given back some time after the last request.
REST_SECONDS = 3


def measure(contestants, helper, options):
    """The table and what became of the target. Each round starts each contestant anew."""
    each, whole = {}, {}
    for number in range(min(options.rounds, MOST_ROUNDS)):
        for one in contestants:
            before, after = hold(one, helper)
            each.setdefault(one.name, []).append((after - before) / CONNECTIONS)
            whole.setdefault(one.name, []).append(after)
        say(f"  g: round {number + 1}: " + ", ".join(f"{name} {taken[-1]:.0f} B" for name, taken in each.items()))
    return report(each, whole)


def hold(contestant, helper):
    """Its memory without and with the connections, each of which has been used once."""
    contestant.start(Size())
    try:
        probe.check(contestant, "small")
        contestant.settle()
        before = contestant.child.memory()
        command = helper_command(helper, contestant, "idle", f"--count={CONNECTIONS}")
        client = Child(command, CLIENT_CORES, contestant.world.logs / "idle.txt", stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE)
        try:
            told = client.process.stdout.readline().decode()
            if read_pairs(told).get("open") != str(CONNECTIONS):
                raise Failure(f"{contestant.name}: not {CONNECTIONS:,} connections: {told or client.said()}")
            time.sleep(REST_SECONDS)
            after = contestant.child.memory()
            # The helper asks once more over each, so that none is counted that was closed meanwhile.
            told = client.process.communicate(b"")[0].decode()
            if read_pairs(told).get("alive") != str(CONNECTIONS):
                raise Failure(f"{contestant.name}: not all connections were held: {told}")
        finally:
            client.stop()
        return before, after
    finally:
        contestant.stop()


def report(each, whole):
    table = Table(f"g. {CONNECTIONS:,} idle TLS connections",
                  ["contestant", "B/connection", "min–max", "to best peer", "all MiB"],
                  note="Proportional memory (Pss) of all processes after each connection has made one request and "
                       "rested, less what it was before, for one connection. What a proxy sets aside for "
                       "connections at its start stands in the last column alone: its memory with all of them.")
    medians = {name: statistics.median(taken) for name, taken in each.items()}
    best = best_peer(medians)
    for name, taken in each.items():
        table.rows.append([name, f"{medians[name]:,.0f}", f"{min(taken):,.0f}–{max(taken):,.0f}",
                           ratio_text(medians[name], best), f"{statistics.median(whole[name]) / 2**20:.1f}"])
    verdicts = [Verdict.ratio("g", "memory of an idle connection", medians[PORTCULLIS], best, 1.00)] \
        if PORTCULLIS in medians and best else []
    return table, verdicts
