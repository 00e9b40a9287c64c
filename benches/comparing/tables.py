"""Tables, as text and as Markdown."""

from dataclasses import dataclass, field


@dataclass
class Table:
    title: str
    head: list
    rows: list = field(default_factory=list)
    note: str = ""

    def markdown(self):
        """The same text reads well in a terminal: columns are padded."""
        widths = [max(len(row[place]) for row in [self.head, *self.rows]) for place in range(len(self.head))]

        def line(cells):
            padded = [cell.ljust(width) if place == 0 else cell.rjust(width)
                      for place, (cell, width) in enumerate(zip(cells, widths))]
            return "| " + " | ".join(padded) + " |"

        rule = "|" + "|".join(("-" * (width + 2)) if place == 0 else "-" * (width + 1) + ":"
                              for place, width in enumerate(widths)) + "|"
        note = [self.note, ""] if self.note else []
        return "\n".join([f"### {self.title}", "", *note, line(self.head), rule, *map(line, self.rows), ""])


def load_table(row, results, baseline=None):
    """One row of work. `baseline` has the medians for few users, where the row is one of several sizes."""
    best = best_peer(results)
    head = ["contestant", "CPU µs/request", "min–max", "to best peer", "requests/s", "core used", "p50 ms", "p99 ms",
            "memory MiB"]
    table = Table(f"{row.key}. {row.title}", head, note=row.note)
    for taken in results:
        cpu = taken.median("cpu")
        table.rows.append([
            taken.name, f"{cpu:.2f}", f"{min(taken.cpu):.2f}–{max(taken.cpu):.2f}",
            ratio_text(cpu, best), f"{taken.median('rate'):,.0f}", f"{taken.median('busy'):.0%}",
            f"{taken.median('p50') / 1000:.2f}", f"{taken.median('p99') / 1000:.2f}", f"{taken.memory / 2**20:.1f}"])
        if baseline is not None:
            first = baseline.setdefault(taken.name, cpu)
            table.rows[-1].append(f"{cpu / first:.2f}")
    if baseline is not None:
        table.head.append("to 10 users")
    return table


def ratio_text(value, best):
    return f"{value / best:.2f}" if best else "–"


def best_peer(results, value=lambda taken: taken.median("cpu")):
    """The least of those that are not Portcullis; None where there is none."""
    return min((value(taken) for taken in results if taken.name != "Portcullis"), default=None)
