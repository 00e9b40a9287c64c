"""The whole report: it is printed piece by piece as it comes, and written to RESULTS.md by a whole run."""

from . import chart
from .tables import Table, summary_table, verdict_table

INTRODUCTION = """What a request costs in Portcullis and in proxies that do the same job: TLS, HTTP Basic with hashed
tokens, a rule by user, method and path, forwarding over kept connections, a line of log for each request. Each has one
worker on core 0; client and upstream have core 1. CPU time is user and system time of all of a proxy's processes as the
kernel counts it, divided by the requests; figures are medians of the rounds, in which the contestants take turns. It
is what to look at: it depends least on what else the machine does, though not nothing, since caches are shared.
A measure in which other programs had more than a twentieth of the machine is taken again, up to four times, and the least
disturbed one counts. Requests per second and latencies also depend on the client, which shares its core with the upstream. Before and after
each measure one answer is compared whole, and every answer's status is counted."""

DIFFERENCES = """## Where they differ

- **Tokens.** Portcullis looks up the name and compares a SHA-256 of the token in constant time, with equal work for
  unknown names. nginx has SHA-1 as its cheapest hash and reads its file of users at each request. HAProxy has SHA-256
  of the whole header as the key of a map; its own lists of users would cost more.
- **Rules.** In Portcullis a path has to have one reading only, or it is refused; the others match what they normalise
  (nginx) or the text as it is (HAProxy). nginx applies the rule before it looks at the token. Peers match by the first
  segments of the path alone.
- **Logs.** Portcullis' audit lines are JSON and go to the file from a thread of its own, whose time is counted. nginx
  writes 64 KiB at a time. HAProxy has no files: it writes each line to its standard output, which is a file here.
- **Answers of their own.** 401 and 403 are JSON in Portcullis, naming the missing permission, and HTML in the others.
- **TLS.** aws-lc through rustls in Portcullis, OpenSSL in the others. With the clients here all agree on what the first
  table says. The others are told X25519, the best that Debian 12's OpenSSL has; with clients that can, Portcullis
  agrees on X25519MLKEM768.
- **Buffers.** HAProxy has its default of 16 KiB, which favours small requests; with larger ones rows d would cost it
  less and rows a and b more. nginx has 256 KiB for the bodies of requests and 32 KiB pieces for those of answers.
- **Limits.** Requests for each connection are unlimited for all, and 256 idle upstream connections are kept, so that
  none is made anew while it is measured."""


class Report:
    def __init__(self):
        self.blocks = []
        self.verdicts = []
        self.bars = []

    def add(self, block):
        text = block.markdown() if isinstance(block, Table) else block + "\n"
        self.blocks.append(text)
        print(text, flush=True)

    def begin(self, facts, contestants):
        self.add("# What a request costs")
        self.add(INTRODUCTION)
        self.add("## Machine and run\n\n" + "\n".join(f"- {name}: {value}" for name, value in facts))
        table = Table("Contestants", ["contestant", "version", "OpenSSL clients agree on", "the helper agrees on"])
        if any(row[0].startswith("newest") for row in contestants):
            table.note = "The newest are Debian's latest packages (sid and experimental), run with their own libraries."
        table.rows = contestants
        self.add(table)

    def end(self):
        if self.bars:
            self.add(summary_table(self.bars))
        if self.verdicts:
            self.add(verdict_table(self.verdicts))
        self.add(DIFFERENCES)

    def write(self, directory):
        (directory / "RESULTS.md").write_text("\n".join(self.blocks), encoding="utf-8")
        (directory / "chart.svg").write_text(chart.draw(self.bars), encoding="utf-8")
