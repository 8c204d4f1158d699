"""The bench's pictures, as SVG: every figure against its goal, and where a ticket's processor time goes."""

from collections.abc import Sequence
from html import escape

from griddispatch.bench.figures import Figure, Verdict, short

COLOURS = {Verdict.MET: "#2e7d32", Verdict.MISSED: "#c62828"}
PARTS = {
    "intake": "#1565c0", "dispatch": "#2e7d32", "notify": "#f9a825", "database": "#6a1b9a", "broker": "#9e9e9e",
}  # fmt: skip
DOORS = ("bulk", "single", "kafka", "sustained")
FLOOR = (("take", "intake"), ("give", "dispatch"), ("tell", "notify"), ("database and broker", "broker"))
"""The floor's own stages, in the colours of the services they stand beside."""
WIDTH, LEFT, ROW = 760, 380, 20
ROOM = WIDTH - LEFT - 60
FULL = 2.0
"""Where a bar ends: figures that are further from their goal are cut there."""


def against_goals(figures: Sequence[Figure]) -> str:
    """Every figure with a goal as a bar against it: right of the line it is further than the goal."""
    parts, shown = list[str](), [f for f in figures if f.ratio is not None]
    for n, f in enumerate(shown):
        ratio = f.ratio or 0.0
        title = f"{short(f.value or 0)} {f.unit}, goal {f.goal}"
        wide = min(ratio, FULL) / FULL * ROOM
        parts += [
            _label(n, f"{f.scenario}: {f.name}"), _bar(n, LEFT, wide, COLOURS[f.verdict], title),
            _value(n, LEFT + wide, f"{ratio:.2f}"),
        ]  # fmt: skip
    line, high = LEFT + ROOM / FULL, len(shown) * ROW + 10
    parts.append(f'<line x1="{line:.1f}" y1="0" x2="{line:.1f}" y2="{high}" stroke="#1c1c1c" stroke-dasharray="3"/>')
    return _drawing(high, "figures over goals", parts)


def by_part(figures: Sequence[Figure]) -> str:
    """Processor time of a ticket by part, door by door, above the floor's."""
    found = {(f.scenario, f.name.removeprefix("processor, ")): f.value for f in figures if f.value is not None}
    rows = [(door, [(part, part, found[door, part]) for part in PARTS if (door, part) in found]) for door in DOORS]
    rows.append(("floor", [(stage, part, found["floor", stage]) for stage, part in FLOOR if ("floor", stage) in found]))
    rows = [(name, values) for name, values in rows if values]
    longest = max((sum(value for *_, value in values) for _, values in rows), default=0.0) or 1.0
    parts = list[str]()
    for n, (name, values) in enumerate(rows):
        parts.append(_label(n, name))
        x = float(LEFT)
        for what, part, value in values:
            wide = value / longest * ROOM
            parts.append(_bar(n, x, wide, PARTS[part], f"{what}: {short(value)} ms"))
            x += wide
        parts.append(_value(n, x, f"{short(sum(value for *_, value in values))} ms"))
    for n, (part, colour) in enumerate(PARTS.items()):
        x = 10 + n * 110
        parts.append(f'<rect x="{x}" y="{len(rows) * ROW + 8}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{x + 16}" y="{len(rows) * ROW + 18}">{part}</text>')
    return _drawing((len(rows) + 1) * ROW + 10, "processor time of a ticket by part", parts)


def _label(row: int, text: str) -> str:
    return f'<text x="{LEFT - 8}" y="{row * ROW + 16}" text-anchor="end">{escape(text[:60])}</text>'


def _bar(row: int, x: float, wide: float, colour: str, title: str) -> str:
    box = f'x="{x:.1f}" y="{row * ROW + 4}" width="{wide:.1f}" height="14"'
    return f'<rect {box} fill="{colour}"><title>{escape(title)}</title></rect>'


def _value(row: int, x: float, text: str) -> str:
    return f'<text x="{x + 4:.1f}" y="{row * ROW + 16}">{escape(text)}</text>'


def _drawing(high: int, name: str, parts: Sequence[str]) -> str:
    style = "<style>text{font:11px system-ui,sans-serif;fill:#1c1c1c}</style>"
    ground = f'<path d="M0 0H{WIDTH}V{high}H0z" fill="#fff"/>'  # readable on a dark page too
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{high}" viewBox="0 0 {WIDTH} {high}" '
        f'role="img" aria-label="{escape(name)}">{style}{ground}{"".join(parts)}</svg>\n'
    )
