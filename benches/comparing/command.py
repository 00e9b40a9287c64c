"""The command line, and the order of things."""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from . import idle, machine, probe, process, reloading, rounds, starting, workers
from .chart import Group
from .clients import Handshakes
from .haproxy import HAProxy
from .newest import Newest
from .nginx import Nginx
from .portcullis import Portcullis
from .report import Report
from .rows import load_rows, size_rows
from .tables import PORTCULLIS, load_table, load_verdicts
from .world import Size, World

ROOT = Path(__file__).resolve().parents[2]
ROWS = ["a", "b", "c1", "c2", "d1", "d2", "e1", "e2", "f", "g", "h", "i", "j"]
NAMES = ["portcullis", "nginx", "haproxy"]
QUICK_ROWS = [row for row in ROWS if row < "f"]


def read_options(words):
    parser = argparse.ArgumentParser(
        prog="benches/compare", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures what a request costs in Portcullis, nginx and HAProxy that do the same job on one core.",
        epilog="A whole run, of five rounds or more without --quick, --only and --contestants, also writes\n"
               "benches/RESULTS.md and benches/chart.svg. It takes a quarter of an hour, with --newest half an hour.")
    parser.add_argument("--rounds", type=number(1, 100, int), default=5, metavar="N", help="rounds of each row (5)")
    parser.add_argument("--seconds", type=number(1, 60, int), default=3, metavar="S", help="of each measure (3)")
    parser.add_argument("--only", type=listed(ROWS), default=ROWS, metavar="ROW,…", help="rows: " + " ".join(ROWS))
    parser.add_argument("--contestants", type=listed(NAMES), default=NAMES, metavar="NAME,…",
                        help="of " + " ".join(NAMES))
    parser.add_argument("--newest", action="store_true",
                        help="also the newest nginx and HAProxy that Debian has, fetched and not installed")
    parser.add_argument("--quick", action="store_true",
                        help="one round of one second; without f to j unless --only names them: to try it")
    options = parser.parse_args(words)
    everything = options.only == ROWS and options.contestants == NAMES
    options.whole = everything and not options.quick and options.rounds >= 5
    if options.quick:
        options.rounds = options.seconds = 1
        options.only = QUICK_ROWS if options.only == ROWS else options.only
    return options


def number(least, most, kind):
    def read(text):
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"from {least} to {most}, not {text}")
        return value
    # The name that argparse uses in its error.
    read.__name__ = "number"
    return read


def listed(known):
    """Reads names between commas, and puts them in the known order."""
    def read(text):
        asked = text.split(",")
        for word in asked:
            if word not in known:
                raise argparse.ArgumentTypeError(f"there is no '{word}'; it is one of {', '.join(known)}")
        return [word for word in known if word in asked]
    return read


def main():
    options = read_options(sys.argv[1:])
    # Both ends go through `finally`, so that no child is left.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        machine.check()
        machine.install()
        programs = machine.build(ROOT)
        with tempfile.TemporaryDirectory(prefix="compare-") as directory:
            compare(options, directory, programs)
    except process.Failure as failure:
        print(f"benches/compare: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("benches/compare: stopped", file=sys.stderr)
        return 130
    finally:
        process.stop_all()
    return 0


def compare(options, directory, programs):
    """Everything between starting the upstream and writing the report."""
    world = World(directory, programs.portcullis)
    world.start_upstream()
    known = {"portcullis": lambda: Portcullis(world, programs.portcullis), "nginx": lambda: Nginx(world),
             "haproxy": lambda: HAProxy(world)}
    contestants = [known[name]() for name in options.contestants]
    if options.newest:
        newest = Newest(programs.target)
        newest.fetch()
        kinds = {"nginx": Nginx, "haproxy": HAProxy}
        contestants += [kinds[name](world, newest.command(name), f"newest {kinds[name].title}")
                        for name in options.contestants if name in kinds]
    report = Report()
    report.begin(machine.facts(options), [introduce(one, programs.helper) for one in contestants])
    under_load(options, contestants, programs.helper, report)
    for row, work in other_rows(options, contestants, programs.helper):
        if row in options.only:
            rounds.say(f"{row}.")
            table, verdicts = work()
            report.add(table)
            report.verdicts += verdicts
    report.end()
    if options.whole:
        report.write(ROOT / "benches")


def introduce(contestant, helper):
    """Version, and what clients of both kinds agree on with it; it should be the same for all."""
    contestant.start(Size())
    try:
        contestant.agreed = ""
        Handshakes(helper, False)(contestant, 0.2)
        return [contestant.name, contestant.version(), probe.tls(contestant), contestant.agreed]
    finally:
        contestant.stop()


def under_load(options, contestants, helper, report):
    """Rows a to f."""
    for together in [*([row] for row in load_rows(helper)), size_rows()]:
        if together[0].key not in options.only:
            continue
        for row in together:
            rounds.say(f"{row.key}. {row.title}")
        measured = rounds.measure_rows(together, contestants, options)
        # Where sizes are compared, the first is what the others are compared with.
        first = {} if len(together) > 1 else None
        for row in together:
            results = measured[row.title]
            report.add(load_table(row, results, first))
            report.verdicts += load_verdicts(row, results, first)
            if row.short:
                report.bars.append(Group(f"{row.key}. {row.short}",
                                         {taken.name: taken.median("cpu") for taken in results}))


def other_rows(options, contestants, helper):
    """Rows g to j, each of which is measured in its own way."""
    own = [one for one in contestants if one.name == PORTCULLIS]
    yield "g", lambda: idle.measure(contestants, helper, options)
    if own:
        yield "h", lambda: reloading.measure(own[0], helper, options)
    yield "i", lambda: (workers.measure(contestants, options), [])
    yield "j", lambda: (starting.measure(contestants, options), [])
