"""A base map below the grids: tiles of one place only, laid where they belong, named, and none where none are set."""

import asyncio
import json
import re
import threading
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from struct import pack
from typing import Any

import httpx
from playwright.async_api import Page, expect

from griddispatch.embedded.process import ChildProcess, free_port
from tests.browser.stage import PATIENCE_MS, Stage
from tests.builders import eventually

NAMED = "© 国家地理信息公共服务平台"
_ASKED_ELSEWHERE = """(address) => new Promise((done) => {
  document.addEventListener("securitypolicyviolation", (e) => done([e.effectiveDirective, e.blockedURI]));
  const picture = new Image();
  picture.onload = () => done("loaded");
  picture.src = address;
})"""


def grey() -> bytes:
    """A picture of one grey dot."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return pack(">I", len(body)) + kind + body + pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\x00\xa0")) + chunk(b"IEND", b"")


@dataclass
class Tiles:
    """A server of tiles, and what it was asked for: path and referrer."""

    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)

    def numbers(self) -> set[tuple[int, ...]]:
        """Zoom, column and row of each tile."""
        return {tuple(int(n) for n in re.findall(r"\d+", path)) for path, _ in self.asked}


@contextmanager
def tile_server() -> Iterator[Tiles]:
    """A server of grey tiles on a port of its own."""
    tiles, body = Tiles(), grey()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tiles.asked.append((self.path, self.headers.get("Referer", "")))
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tiles.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, name="tiles", daemon=True)
    thread.start()
    try:
        yield tiles
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)


@asynccontextmanager
async def mapped(stage: Stage, template: str) -> AsyncIterator[str]:
    """One more copy of dispatch, for its pages only, with a base map; where it listens."""
    world, port = stage.world, free_port()
    program = world.program("dispatch", PORT=str(port), INSTANCE="mapped", MAP_TILES=template, MAP_ATTRIBUTION=NAMED)
    program = replace(program, argv=[*program.argv, "--only", "api"])
    child = ChildProcess("dispatch", program, world.logs / "dispatch-mapped.log")
    url = f"http://127.0.0.1:{port}"
    try:

        async def is_ready() -> bool:
            assert child.exit_code is None, child.log_tail(30)
            try:
                return (await world.http.get(f"{url}/readyz")).status_code == 200
            except httpx.HTTPError:
                return False

        await eventually(is_ready, within_s=60, what="dispatch with a base map being ready")
        yield url
    finally:
        await asyncio.to_thread(child.kill)


async def view(page: Page) -> dict[str, float]:
    """Where the county lies on the map of the whole world, a square of one by one."""
    worlds: dict[str, float] = await page.evaluate(
        "async () => (await import('/console/map.js')).layout((await (await fetch('/v1/area')).json()).grids).view"
    )
    return worlds


async def test_tiles_lie_below_the_grids_and_come_from_the_one_place_that_was_set(stage: Stage) -> None:
    with tile_server() as tiles, tile_server() as stranger:
        async with mapped(stage, tiles.url + "/{z}/{x}/{y}.png") as url, stage.page("/livez") as page:
            await page.goto(f"{url}/console")
            await expect(page.locator(".map image").first).to_be_attached(timeout=PATIENCE_MS)
            await expect(page.locator(".map path.cell")).to_have_count(58, timeout=PATIENCE_MS)
            await expect(page.locator(".credit")).to_have_text(NAMED)
            below = await page.locator(".map svg > g.tiles ~ path.cell").count()
            assert below == 58, "what comes later is drawn above"
            drawn = await page.locator(".map image").count()

            async def all_asked() -> bool:
                return len(tiles.numbers()) == drawn

            await eventually(all_asked, within_s=60, what="every tile being asked for")
            seen = await view(page)
            (zoom,) = {z for z, _, _ in tiles.numbers()}
            for low, high, axis in (("west", "east", 1), ("north", "south", 2)):
                wanted = {n[axis] for n in tiles.numbers()}
                assert wanted == set(range(int(seen[low] * 2**zoom), int(seen[high] * 2**zoom) + 1))
            assert 4 <= drawn <= 64
            assert {referrer for _, referrer in tiles.asked} == {f"{url}/"}, "the site, never the page's address"
            assert await page.evaluate(_ASKED_ELSEWHERE, f"{stranger.url}/1/1/1.png") == [
                "img-src", f"{stranger.url}/1/1/1.png",
            ]  # fmt: skip
            assert stranger.asked == []
    stage.complaints[:] = [c for c in stage.complaints if stranger.url not in c and "404" not in c]


async def test_tiles_that_do_not_come_leave_the_grids_as_they_are(stage: Stage) -> None:
    gone = f"http://127.0.0.1:{free_port()}/{{z}}/{{x}}/{{y}}.png"
    async with mapped(stage, gone) as url, stage.page("/livez") as page:
        await page.goto(f"{url}/console")
        await expect(page.locator(".map path.cell")).to_have_count(58, timeout=PATIENCE_MS)
        await expect(page.locator(".map image:not([visibility=hidden])")).to_have_count(0, timeout=PATIENCE_MS)
    stage.complaints[:] = [c for c in stage.complaints if "ERR_" not in c and "404" not in c]


async def test_a_point_known_elsewhere_lies_in_its_tile(stage: Stage) -> None:
    """Tian'anmen, 116.3914 E 39.9075 N, is in tile 13/6744/3104 by the arithmetic of the tile schemes."""
    ring = [[116.3814, 39.8975], [116.4014, 39.8975], [116.4014, 39.9175], [116.3814, 39.9175]]
    async with stage.page("/console") as page:
        await expect(page.locator(".map path.cell").first).to_be_visible(timeout=PATIENCE_MS)
        assert await page.locator(".map image, .credit").count() == 0, "no base map unless one is set"
        laid: list[dict[str, Any]] = await page.evaluate(
            "async ([ring, template]) => { const map = await import('/console/map.js');"
            " return map.tilesOf(map.layout([{ code: 'x', rings: [ring] }]).view, template); }",
            [ring, "/{z}/{x}/{y}"],
        )
        boxed: list[dict[str, Any]] = await page.evaluate(
            "async ([ring, template]) => { const map = await import('/console/map.js');"
            " return map.tilesOf(map.layout([{ code: 'x', rings: [ring] }]).view, template); }",
            [ring, "/?b={bbox-epsg-3857}"],
        )
    zooms = {int(tile["address"].split("/")[1]) for tile in laid}
    assert zooms == {16}, json.dumps(laid)
    middle = [t for t in laid if t["x"] <= 500 < t["x"] + t["size"] and t["y"] <= 500 < t["y"] + t["size"]]
    (tile,) = middle
    _, x, y = (int(n) for n in tile["address"][1:].split("/"))
    assert (x >> 3, y >> 3) == (6744, 3104)
    west, south, east, north = (float(n) for n in boxed[laid.index(tile)]["address"][4:].split(","))
    assert west < 12_956_631 < east
    assert south < 4_852_510 < north
    assert abs((east - west) - 40_075_016.69 / 2**16) < 0.01
