"""The command line, and the order of things."""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from . import machine, probe, process, rounds
from .haproxy import HAProxy
from .nginx import Nginx
from .portcullis import Portcullis
from .rows import load_rows, size_rows
from .tables import load_table
from .world import World

ROOT = Path(__file__).resolve().parents[2]
ROWS = ["a", "b", "c1", "c2", "d1", "d2", "e1", "e2", "f", "g", "h", "i", "j"]
NAMES = ["portcullis", "nginx", "haproxy"]


def read_options(words):
    parser = argparse.ArgumentParser(
        prog="benches/compare", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures what a request costs in Portcullis, nginx and HAProxy that do the same job on one core.",
        epilog="Without --quick, --only and --contestants it also writes benches/RESULTS.md and benches/chart.svg.")
    parser.add_argument("--rounds", type=number(1, 100, int), default=5, metavar="N", help="rounds of each row (5)")
    parser.add_argument("--seconds", type=number(1, 60, int), default=3, metavar="S", help="of each measure (3)")
    parser.add_argument("--only", type=listed(ROWS), default=ROWS, metavar="ROW,…", help="rows: " + " ".join(ROWS))
    parser.add_argument("--contestants", type=listed(NAMES), default=NAMES, metavar="NAME,…",
                        help="of " + " ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="one round of one second, without f to j: to try it")
    options = parser.parse_args(words)
    options.whole = not options.quick and options.only == ROWS and options.contestants == NAMES
    if options.quick:
        options.rounds = options.seconds = 1
        options.only = [row for row in options.only if row < "f"]
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
    world = World(directory, programs.portcullis)
    try:
        world.start_upstream()
        known = {"portcullis": lambda: Portcullis(world, programs.portcullis), "nginx": lambda: Nginx(world),
                 "haproxy": lambda: HAProxy(world)}
        contestants = [known[name]() for name in options.contestants]
        for table in measure_all(options, contestants, programs):
            print(table.markdown(), flush=True)
    finally:
        process.stop_all()


def measure_all(options, contestants, programs):
    for row in load_rows(programs.helper):
        if row.key in options.only:
            rounds.say(f"{row.key}. {row.title}")
            yield load_table(row, rounds.measure_row(row, contestants, options))
    baseline = {}
    for row in size_rows():
        if row.key in options.only:
            rounds.say(f"{row.key}. {row.title}")
            yield load_table(row, rounds.measure_row(row, contestants, options), baseline)
