"""How the console is measured, one thing at a time: frames, paint, news on the screen, and what /metrics costs."""

import re
import statistics
import time
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
from playwright.async_api import Page, Route

MANY = 10_000
FEW = 400
FRAMES = 180
SCRAPES = 100
_SCROLL = """async ([frames, step]) => {
  const list = document.querySelector(".list"), took = [], drawn = [], height = list.scrollHeight - list.clientHeight;
  let furthest = 0;
  let last = await new Promise(requestAnimationFrame);
  for (let n = 0; n < frames; n += 1) {
    list.scrollTop = (n * step) % height;
    furthest = Math.max(furthest, list.scrollTop);
    const now = await new Promise(requestAnimationFrame);
    took.push(now - last);
    drawn.push(document.querySelectorAll(".row").length);
    last = now;
  }
  return [took, Math.max(...drawn), furthest];
}"""
_CHANGE = """async ([id, urgency]) => {
  const head = { "Griddispatch-Role": "dispatcher", "Content-Type": "application/json" };
  const { version } = await (await fetch(`/v1/tickets/${id}`)).json();
  const body = JSON.stringify({ urgency, reason: "measured" });
  const told = await fetch(`/v1/tickets/${id}/change-urgency`, { method: "POST", body, headers: { ...head, "If-Match": `"${version}"` } });
  if (!told.ok) return null;
  const done = performance.now();
  while (!document.querySelector(`[data-ticket="${id}"] .tag.${urgency}`)) {
    if (performance.now() - done > 30000) return -1;
    await new Promise(requestAnimationFrame);
  }
  return performance.now() - done;
}"""


def many(n: int, now: datetime) -> list[dict[str, Any]]:
    """So many open tickets as the queue has them, by deadline."""
    return [
        {
            "ticket_id": str(UUID(int=2**120 + i)), "ticket_no": f"9901012603{i:010}", "version": 1,
            "state": "DISPATCHED", "public_state": "办理中", "ticket_type": "COMPLAINT", "category": "150101",
            "urgency": ("U3", "U2", "U1")[i % 3], "size": "SMALL", "county": "990101", "township": "990101001",
            "grid": f"99010100100100{1 + i % 3}", "unit": f"grid:99010100100100{1 + i % 3}", "supporting": [],
            "cycle": 1, "light": ("RED", "YELLOW", "GREEN", "GREEN")[i % 4], "level": 0,
            "accepted_at": now.isoformat(), "due_at": (now + timedelta(minutes=i)).isoformat().replace("+00:00", "Z"),
            "closed_at": None, "exercise": False,
        }
        for i in range(n)
    ]  # fmt: skip


async def pretend(page: Page, tickets: list[dict[str, Any]]) -> None:
    """Let the queue of this page be these tickets, in pages as large as it asks for."""

    async def answer(route: Route) -> None:
        asked = parse_qs(urlsplit(route.request.url).query)
        begin, limit = int(asked.get("after", ["0"])[0]), int(asked["limit"][0])
        following = str(begin + limit) if begin + limit < len(tickets) else None
        await route.fulfill(json={"tickets": tickets[begin : begin + limit], "next": following})

    await page.route("**/v1/queue?*", answer)


async def scroll(page: Page, frames: int = FRAMES, step: int = 700) -> tuple[list[float], int, float]:
    """Milliseconds of each frame while scrolling by `step` pixels a frame, rows drawn at the most, and how far it came."""
    took, drawn, top = await page.evaluate(_SCROLL, [frames, step])
    return took, drawn, top


async def painted(page: Page, url: str) -> tuple[float, float, int]:
    """Milliseconds to the first contentful paint and to the figures of the board, and bytes of script that came."""
    await page.goto(f"{url}/console")
    await page.locator(".figures b").first.wait_for()
    figures, first, scripts = await page.evaluate(
        "[performance.now(), performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,"
        " performance.getEntriesByType('resource').filter((r) => r.name.endsWith('.js'))"
        ".reduce((sum, r) => sum + r.encodedBodySize, 0)]"
    )
    return first, figures, scripts


async def shown_after(page: Page, ticket_id: str, urgency: str) -> float | None:
    """Milliseconds from the answer to a command, which comes after its commit, to its effect in the row; None: refused."""
    took: float | None = await page.evaluate(_CHANGE, [ticket_id, urgency])
    return took


class Scraped(NamedTuple):
    """What /metrics costs: milliseconds of an answer, milliseconds of the service's processor for it, and its series."""

    answer_ms: float
    processor_ms: float
    series: int


async def scraped(url: str) -> Scraped:
    """Medians over many scrapes; the processor's as the service itself counts it, so of nothing else that it does."""
    took = []
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        before = processor_s(text := (await http.get(f"{url}/metrics")).text)
        for _ in range(SCRAPES):
            begun = time.perf_counter()
            text = (await http.get(f"{url}/metrics")).text
            took.append(1000 * (time.perf_counter() - begun))
    spent = 1000 * (processor_s(text) - before) / SCRAPES
    return Scraped(statistics.median(took), spent, sum(1 for line in text.splitlines() if line and line[0] != "#"))


def processor_s(text: str) -> float:
    """Seconds of processor time that a service says it has used."""
    found = re.search(r"^process_cpu_seconds_total (\S+)$", text, re.MULTILINE)
    assert found, "the service tells of its processor time"
    return float(found[1])


def spread(took: list[float]) -> str:
    """Median, 95th percentile and worst."""
    ordered = sorted(took)
    return (
        f"median {statistics.median(ordered):.0f} ms, p95 {ordered[int(0.95 * len(ordered))]:.0f} ms,"
        f" worst {ordered[-1]:.0f} ms"
    )
