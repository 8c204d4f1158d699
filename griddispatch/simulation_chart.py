"""A comparison as one HTML page that needs nothing else: figures, three charts as inline SVG, and tables."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from griddispatch.simulation import Breakdown, Handling, Moved, Summary, UnitLoad
from griddispatch.wording import Words
from shared.terms import Light

WIDTH: Final = 720
BAR: Final = 22
UNITS_SHOWN: Final = 15
MOST_COLUMNS: Final = 60
"""Columns of the chart of shifts; beyond that neighbouring hours share one."""
COLOURS: Final = {Light.GREEN: "#2e7d32", Light.YELLOW: "#f9a825", Light.RED: "#c62828"}
SIDES: Final = ("#1565c0", "#ef6c00")

_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{padding:.25rem .5rem;border-bottom:1px solid #ddd;text-align:right}th:first-child,td:first-child{text-align:left}
svg{max-width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:#1c1c1c}.note{color:#555;font-size:.85rem}
"""


def page(summary: Summary, zh: Words, en: Words) -> str:
    """The whole page; names of units in both languages."""
    title = f"{summary.a} → {summary.b}"
    body = (
        f"<h1>规则包对比 Comparison of rule packs<br>{escape(title)}</h1>",
        f"<p>{_period(summary)}</p>",
        _table(("项目 figure", summary.a, summary.b), figures(summary)),
        "<h2>期限变动 Shift of deadlines</h2>",
        "<p class=note>按首个规则包的工作时间计 in hours of opening time of the first pack; 左早右晚 left: earlier</p>",
        shift_chart(summary.shifts),
        "<h2>灯 Lights</h2>", lights_chart(summary),
        "<h2>按类别 By kind</h2>", _table(KIND_HEAD, [kind_row(kind) for kind in summary.kinds]),
        "<h2>单位负荷 Load of units</h2>",
        "<p class=note>每日新派任务的最大值 most new parts on one day</p>",
        load_chart(summary.loads[:UNITS_SHOWN], zh, en),
        _table(LOAD_HEAD, [load_row(load, zh, en) for load in summary.loads[:UNITS_SHOWN]]),
        f"<p class=note>{escape(assumption(summary.handling, summary.seed))}</p>",
    )  # fmt: skip
    return (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


def _period(summary: Summary) -> str:
    return f"{summary.matters} 件诉求 matters, {summary.first_day} – {summary.last_day}"


def figures(summary: Summary) -> list[tuple[str, str, str]]:
    """What changes, line by line: label, first pack, second pack; a shift is signed."""
    moved = summary.moved
    return [
        ("期限提前 deadline earlier", "", str(moved[Moved.EARLIER])),
        ("期限推后 deadline later", "", str(moved[Moved.LATER])),
        ("期限不变 deadline the same", "", str(moved[Moved.SAME])),
        ("变动中位数 median shift of what moved, WH", "", f"{summary.median_shift_hours:+g}"),
        ("分拨结果不同 triaged otherwise", "", str(summary.judged_otherwise)),
        ("大小不同 size changed", "", str(summary.size_changed)),
        ("主办不同 lead changed", "", str(summary.lead_changed)),
        ("协办不同 support changed", "", str(summary.supports_changed)),
        ("超期 breaches", str(summary.breaches_a), str(summary.breaches_b)),
        ("办结时绿灯 handled on green", str(summary.lights_a[Light.GREEN]), str(summary.lights_b[Light.GREEN])),
        ("办结时黄灯 handled on yellow", str(summary.lights_a[Light.YELLOW]), str(summary.lights_b[Light.YELLOW])),
    ]


KIND_HEAD: Final = ("类别 kind", "件 matters", "提前 earlier", "推后 later", "中位 median WH", "超期 A", "超期 B")
LOAD_HEAD: Final = ("单位 unit", "A 合计 all", "A 最大 max", "A p95", "B 合计 all", "B 最大 max", "B p95")


def kind_row(kind: Breakdown) -> tuple[str, ...]:
    """One kind of matter."""
    numbers = (
        kind.matters,
        kind.earlier,
        kind.later,
        f"{kind.median_shift_hours:+g}",
        kind.breaches_a,
        kind.breaches_b,
    )
    return (kind.kind, *map(str, numbers))


def load_row(load: UnitLoad, zh: Words, en: Words) -> tuple[str, ...]:
    """One unit's parts: all, most on a day, and what 95 % of days stay within, under each pack."""
    numbers = (load.a.total, load.a.most, load.a.p95, load.b.total, load.b.most, load.b.p95)
    return (f"{zh.unit(load.unit)} {en.unit(load.unit)}", *map(str, numbers))


def assumption(handling: Mapping[str, Handling], seed: int) -> str:
    """What the lights and breaches rest on, in one sentence of each language."""
    rows = [
        f"{name}: {how.median_hours:g} {'WH' if how.in_working_time else 'NH'}, σ {how.sigma:g}"
        for name, how in handling.items()
    ]
    text = "; ".join(rows)
    return (
        f"办理用时为假定，对数正态分布，中位数（种子 {seed}）。 "
        f"Handling times are assumed, not measured: log-normal, medians as follows (seed {seed}). {text}"
    )


def shift_chart(shifts: Mapping[int, int]) -> str:
    """Columns of how many matters move by how many hours; without any, a sentence."""
    if not shifts:
        return "<p>没有变动 Nothing moves.</p>"
    low, high = min(shifts), max(shifts)
    step = -(-(high - low + 1) // MOST_COLUMNS)
    columns: dict[int, int] = {}
    for hours, matters in shifts.items():
        columns[(hours - low) // step] = columns.get((hours - low) // step, 0) + matters
    count, top, height = (high - low) // step + 1, max(columns.values()), 160
    width = min(WIDTH / count, 60.0)
    bars = []
    for place, matters in sorted(columns.items()):
        tall = matters / top * height
        hours = low + place * step
        label = f"{hours:+d} WH" if step == 1 else f"{hours:+d} … {hours + step - 1:+d} WH"
        colour = SIDES[hours > 0]
        bars.append(
            f'<rect x="{place * width:.1f}" y="{height - tall + 16:.1f}" width="{max(width - 1, 1):.1f}" '
            f'height="{tall:.1f}" fill="{colour}"><title>{label}: {matters}</title></rect>'
        )
    ends = (
        f'<text x="0" y="{height + 32}">{low:+d} WH</text>'
        f'<text x="{count * width:.1f}" y="{height + 32}" text-anchor="end">{high:+d} WH</text>'
        f'<text x="0" y="12">max {top}</text>'
    )
    return _svg(max(count * width, 160), height + 40, (*bars, ends), "shift of deadlines")


def lights_chart(summary: Summary) -> str:
    """Two bars of three lights, one for each pack."""
    parts = []
    for row, (name, lights) in enumerate(((summary.a, summary.lights_a), (summary.b, summary.lights_b))):
        y, x = row * (BAR + 22) + 14, 0.0
        parts.append(f'<text x="0" y="{y - 2}">{escape(name)}</text>')
        for light, colour in COLOURS.items():
            wide = lights[light] / summary.matters * WIDTH
            title = f"<title>{light}: {lights[light]}</title>"
            parts.append(f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{BAR}" fill="{colour}">{title}</rect>')
            x += wide
    return _svg(WIDTH, 2 * (BAR + 22) + 4, parts, "lights when handled")


def load_chart(loads: Sequence[UnitLoad], zh: Words, en: Words) -> str:
    """For each unit two bars, the most parts on one day under either pack."""
    if not loads:
        return ""
    top = max(1, *(max(load.a.most, load.b.most) for load in loads))
    left, parts = 300, []
    for row, load in enumerate(loads):
        y = row * 30 + 4
        name = f"{zh.unit(load.unit)} {en.unit(load.unit)}"
        parts.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>')
        for side, most in enumerate((load.a.most, load.b.most)):
            wide = most / top * (WIDTH - left - 40)
            at = y + side * 11
            parts.append(f'<rect x="{left}" y="{at}" width="{wide:.1f}" height="10" fill="{SIDES[side]}"/>')
            parts.append(f'<text x="{left + wide + 4:.1f}" y="{at + 9}">{most}</text>')
    return _svg(WIDTH, len(loads) * 30 + 8, parts, "most parts on one day")


def _svg(width: float, height: float, parts: Iterable[str], label: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"
