"""The chart: CPU time for a request, by row and contestant, as SVG."""

from dataclasses import dataclass
from html import escape

WIDTH = 820
LABEL = 300
BAR = 14
GAP = 4
GROUP_GAP = 18
TOP = 84
# The longest bar; behind it there is room for its figure.
LONGEST = WIDTH - LABEL - 110

# Readable on white and on near black alike; text follows the reader's scheme.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .quiet { fill: #59636e; font-size: 12px }
  .first { font-weight: 600 }
  .c0 { fill: #2f81f7 } .c1 { fill: #8d96a0 } .c2 { fill: #b08a3e } .c3 { fill: #6b7783 } .c4 { fill: #8a6a2e }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .quiet { fill: #9198a1 }
  }
"""


@dataclass
class Group:
    """One row of work: its name, and the microseconds of each contestant."""

    name: str
    values: dict


def draw(groups):
    """The whole picture: a group of bars for each row of work."""
    names = list(dict.fromkeys(name for group in groups for name in group.values))
    parts, y = [], TOP
    for group in groups:
        height = len(group.values) * (BAR + GAP) - GAP
        middle = y + height / 2 + 4.5
        parts.append(f'<text x="{LABEL - 12}" y="{middle:.1f}" text-anchor="end">{escape(group.name)}</text>')
        most = max(group.values.values())
        for name, value in group.values.items():
            length = max(2, LONGEST * value / most)
            place = names.index(name)
            parts.append(f'<rect class="c{place}" x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>')
            weight = ' class="first"' if place == 0 else ""
            parts.append(f'<text{weight} x="{LABEL + length + 6:.1f}" y="{y + 11.5}">{figure(value)}</text>')
            y += BAR + GAP
        y += GROUP_GAP - GAP
    return page(names, parts, y)


def page(names, parts, height):
    legend, x = [], 20
    for place, name in enumerate(names):
        legend.append(f'<rect class="c{place}" x="{x}" y="48" width="12" height="12" rx="2"/>'
                      f'<text x="{x + 18}" y="58.5">{escape(name)}</text>')
        x += 40 + 8 * len(name)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-label="CPU time for a request, by work and proxy">',
        f"<style>{STYLE}</style>",
        '<text class="title" x="20" y="26">CPU time for a request, in microseconds</text>',
        f'<text class="quiet" x="{WIDTH - 20}" y="26" text-anchor="end">shorter is better; each work has a scale of '
        "its own</text>",
        *legend, *parts, "</svg>", ""])


def figure(value):
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
