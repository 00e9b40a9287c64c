"""Row i: two workers against one."""

import statistics

from . import probe
from .clients import Wrk
from .rounds import WARM_SECONDS, say
from .tables import Table
from .world import Size

CONNECTIONS = 8


def measure(contestants, options):
    """The table: each contestant with one worker, then with two."""
    table = Table(f"i. two workers against one, small GET, HTTP/1.1, {CONNECTIONS} connections",
                  ["contestant", "CPU µs/request with 1", "with 2", "ratio", "share of the busier worker",
                   "requests/s with 1", "with 2"],
                  note="One worker has core 0; two have cores 0 and 1, the second of which client and upstream use up "
                       "by themselves. So what two workers could serve cannot be measured with two cores, only "
                       "what a request costs them and how evenly they share. A share of 50 % is even.")
    for one in contestants:
        single, double = run(one, 1, {0}, options), run(one, 2, {0, 1}, options)
        (cpu, rate, _), (cpu2, rate2, share) = medians(single), medians(double)
        shares = [taken[2] for taken in double]
        table.rows.append([one.name, f"{cpu:.2f}", f"{cpu2:.2f}", f"{cpu2 / cpu:.2f}",
                           f"{share:.0%} ({min(shares):.0%}–{max(shares):.0%})", f"{rate:,.0f}", f"{rate2:,.0f}"])
        say(f"  i: {one.name}: {cpu:.2f} with one worker, {cpu2:.2f} with two")
    return table


def medians(rounds):
    return [statistics.median(column) for column in zip(*rounds)]


def run(contestant, workers, cores, options):
    """For each round: microseconds for a request, requests per second, the busier worker's share of the CPU time."""
    contestant.start(Size(), workers, cores)
    try:
        client = Wrk(CONNECTIONS)
        client(contestant, WARM_SECONDS)
        rounds = []
        for _ in range(options.rounds):
            probe.check(contestant, "small")
            contestant.settle()
            before = contestant.child.cpu_by_thread()
            load = client(contestant, options.seconds)
            after = contestant.child.cpu_by_thread()
            used = sorted((spent - before.get(thread, 0) for thread, spent in after.items()), reverse=True)
            rounds.append((sum(used) / 1000 / load.requests, load.requests / load.seconds,
                           used[0] / sum(used[:workers])))
        return rounds
    finally:
        contestant.stop()
