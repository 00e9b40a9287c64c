"""Row j: from the start to the first right answer."""

import http.client
import statistics
import time

from . import probe
from .process import Failure
from .rounds import say
from .tables import Table
from .world import Size

USERS = (10, 100_000)
PATIENCE_SECONDS = 60


def measure(contestants, options):
    """The table: each contestant is started once a round for each size."""
    table = Table("j. from start to the first right answer", ["contestant", *(
        f"ms with {users:,} users (min–max)" for users in USERS)],
        note="nginx does not read its file of users at the start but at each request.")
    for one in contestants:
        cells = [one.name]
        for users in USERS:
            took = [start(one, Size(users)) for _ in range(options.rounds)]
            cells.append(f"{statistics.median(took):,.0f} ({min(took):,.0f}–{max(took):,.0f})")
        table.rows.append(cells)
        say(f"  j: {', '.join(cells)}")
    return table


def start(contestant, size):
    """Milliseconds from the start of the process; its files are there before."""
    for _ in range(3):
        command = contestant.prepare(size)
        began = time.monotonic()
        contestant.launch(command)
        try:
            if wait(contestant, began):
                return (time.monotonic() - began) * 1000
        finally:
            contestant.stop()
    raise Failure(f"{contestant.name} does not start")


def wait(contestant, began):
    """Asks until the answer is right; False if the process ended instead."""
    while time.monotonic() - began < PATIENCE_SECONDS:
        if not contestant.child.running():
            return False
        try:
            probe.check(contestant, "small")
            return True
        except ConnectionRefusedError:
            time.sleep(0.0005)
        except (OSError, http.client.HTTPException):
            time.sleep(0.001)
    raise Failure(f"{contestant.name} gives no answer in {PATIENCE_SECONDS} s")
