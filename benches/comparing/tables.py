"""Tables that read well in a terminal and as Markdown, and what becomes of the targets."""

import statistics
from dataclasses import dataclass, field

PORTCULLIS = "Portcullis"


@dataclass
class Table:
    title: str
    head: list
    rows: list = field(default_factory=list)
    note: str = ""

    def markdown(self):
        columns = zip(self.head, *self.rows)
        widths = [max(len(cell) for cell in column) for column in columns]

        def line(cells):
            first, *others = zip(cells, widths)
            padded = [first[0].ljust(first[1])] + [cell.rjust(width) for cell, width in others]
            return "| " + " | ".join(padded) + " |"

        rule = "|" + "-" * (widths[0] + 2) + "|" + "|".join("-" * (width + 1) + ":" for width in widths[1:]) + "|"
        note = [self.note, ""] if self.note else []
        return "\n".join([f"## {self.title}", "", *note, line(self.head), rule, *map(line, self.rows), ""])


@dataclass
class Verdict:
    """What became of one target."""

    row: str
    work: str
    figure: str
    target: str
    met: bool

    @classmethod
    def ratio(cls, row, work, value, best, target):
        """A target for Portcullis' figure divided by the best of the others. What is printed is what is judged."""
        rounded = round(value / best, 2)
        return cls(row, work, f"{rounded:.2f}", f"≤ {target:.2f}", rounded <= target)


def verdict_table(verdicts):
    table = Table("Targets", ["row", "work", "figure", "target", "met"],
                  note="A figure without a unit is Portcullis' median divided by that of the best of the others, in "
                       "row f by that for 10 users and 10 resources.")
    table.rows = [[one.row, one.work, one.figure, one.target, "yes" if one.met else "no"] for one in verdicts]
    return table


def summary_table(groups):
    """CPU time by work and contestant: what the chart shows, in figures."""
    names = list(dict.fromkeys(name for group in groups for name in group.values))
    table = Table("CPU microseconds for a request", ["work", *names, "to the best peer"])
    for group in groups:
        cells = [f"{group.values[name]:,.1f}" if name in group.values else "–" for name in names]
        own = group.values.get(PORTCULLIS)
        table.rows.append([group.name, *cells, ratio_text(own, best_peer(group.values)) if own else "–"])
    return table


def load_table(row, results, baseline=None):
    """One row of work. `baseline` takes the medians for few users, where the row is one of several sizes."""
    best = best_peer({taken.name: taken.median("cpu") for taken in results})
    head = ["contestant", "CPU µs/request", "min–max", "to best peer", "requests/s", "core used", "p50 ms", "p99 ms",
            "memory MiB"]
    others = [share for taken in results for share in taken.others]
    disturbed = (f"Other programs had {statistics.median(others):.0%} of the machine meanwhile, "
                 f"{max(others):.0%} at the most.")
    table = Table(f"{row.key}. {row.title}", head, note=f"{row.note} {disturbed}".strip())
    for taken in results:
        cpu = taken.median("cpu")
        table.rows.append([
            taken.name, f"{cpu:.2f}", f"{min(taken.cpu):.2f}–{max(taken.cpu):.2f}",
            ratio_text(cpu, best), f"{taken.median('rate'):,.0f}", f"{taken.median('busy'):.0%}",
            f"{taken.median('p50') / 1000:.2f}", f"{taken.median('p99') / 1000:.2f}", f"{taken.memory / 2**20:.1f}"])
        if baseline is not None:
            table.rows[-1].append(f"{cpu / baseline.setdefault(taken.name, cpu):.2f}")
    if baseline is not None:
        table.head.append("to 10 and 10")
    return table


def load_verdicts(row, results, baseline=None):
    """What became of the target of one row; nothing where it has none or Portcullis was not there."""
    medians = {taken.name: taken.median("cpu") for taken in results}
    best = best_peer(medians)
    if PORTCULLIS not in medians:
        return []
    if row.key == "f":
        rounded = round(medians[PORTCULLIS] / baseline[PORTCULLIS], 2)
        work = f"{row.size.users:,} users, {row.size.resources:,} resources, to 10 of each"
        return [Verdict("f", work, f"{rounded:.2f}", "≤ 1.05", rounded <= 1.05)] if row.target else []
    return [Verdict.ratio(row.key, row.title, medians[PORTCULLIS], best, row.target)] if best else []


def ratio_text(value, best):
    return f"{value / best:.2f}" if best else "–"


def best_peer(medians):
    """The least of those that are not Portcullis; None where there is none."""
    return min((value for name, value in medians.items() if name != PORTCULLIS), default=None)
