"""The course as SVG: what arrived, what waited, how it ended."""

from collections.abc import Sequence
from html import escape

from griddispatch.capacity.model import KINDS, Course

WIDTH, HIGH, LEFT, GAP = 760, 130, 70, 40
COLOURS = {"arrivals": "#1565c0", "backlog": "#ef6c00"}


def course_chart(course: Course, title: str) -> str:
    """Arrivals and open matters by the hour, and the share in time by kind."""
    parts = [f'<text x="{LEFT}" y="16">{escape(title)}</text>']
    rows = (
        ("来件 tickets an hour", course.arrivals, COLOURS["arrivals"]),
        ("在办 open matters", course.backlog, COLOURS["backlog"]),
    )
    for n, (name, values, colour) in enumerate(rows):
        parts += _line(name, values, 30 + n * (HIGH + GAP), colour)
    parts += _bars(course, 30 + len(rows) * (HIGH + GAP))
    high = 30 + len(rows) * (HIGH + GAP) + len(KINDS) * 22 + 20
    style = "<style>text{font:12px system-ui,sans-serif;fill:#1c1c1c}</style>"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{high}" viewBox="0 0 {WIDTH} {high}" '
        f'role="img" aria-label="{escape(title)}">{style}{"".join(parts)}</svg>\n'
    )


def _line(name: str, values: Sequence[float], top: int, colour: str) -> list[str]:
    highest = max(values, default=0.0) or 1.0
    step = (WIDTH - LEFT - 10) / max(1, len(values) - 1)
    points = " ".join(
        f"{LEFT + n * step:.1f},{top + HIGH - v / highest * (HIGH - 20):.1f}" for n, v in enumerate(values)
    )
    days = [
        f'<line x1="{LEFT + n * step:.1f}" y1="{top}" x2="{LEFT + n * step:.1f}" y2="{top + HIGH}" stroke="#ddd"/>'
        for n in range(0, len(values), 24)
    ]
    return [
        *days, f'<text x="{LEFT}" y="{top + 12}">{escape(name)}, most {highest:,.0f}</text>',
        f'<polyline points="{points}" fill="none" stroke="{colour}"/>',
    ]  # fmt: skip


def _bars(course: Course, top: int) -> list[str]:
    parts = []
    for n, kind in enumerate(KINDS):
        late, all_ = course.counts[f"late.{kind}"], max(1, len(course.waits_h[kind]))
        wide, y = (1 - late / all_) * (WIDTH - LEFT - 120), top + n * 22
        parts.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{kind}</text>')
        parts.append(f'<rect x="{LEFT}" y="{y}" width="{wide:.1f}" height="16" fill="#2e7d32"/>')
        parts.append(f'<text x="{LEFT + wide + 5:.1f}" y="{y + 13}">{1 - late / all_:.1%} 按时 in time</text>')
    return parts
