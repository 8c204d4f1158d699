"""A browser in front of the running product: embedded stores, three services, and pages that complain aloud."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright

from griddispatch.demo.matters import SOURCE
from tests.e2e.world import World

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 60_000
HERE = Path(__file__).parent
INSTALL_S = 120.0
_LOCALES = {"zh": "zh-CN", "en": "en-GB"}


def axe() -> str:
    """The text of axe-core, fetched with npm once per user and lock file; loudly skipped where it cannot be."""
    lock = (HERE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "griddispatch"
    root = cache / f"axe-{hashlib.sha256(lock).hexdigest()[:12]}"
    script = root / "node_modules" / "axe-core" / "axe.min.js"
    if not script.is_file():
        root.mkdir(parents=True, exist_ok=True)
        for part in ("package.json", "package-lock.json"):
            shutil.copy(HERE / part, root)
        try:
            subprocess.run(
                ["npm", "ci", "--ignore-scripts"], cwd=root, check=True, capture_output=True, timeout=INSTALL_S
            )
        except (OSError, subprocess.SubprocessError) as missing:
            if os.environ.get("GRIDDISPATCH_REQUIRE_BROWSER") == "1":
                pytest.fail(f"axe-core is required and cannot be had: {missing}")
            pytest.skip(f"NOT COVERED by axe-core: {missing}")
    return script.read_text(encoding="utf-8")


def chromium() -> str:
    """Where the browser is; without one the tests are skipped and say so, or fail if it is required."""
    found = os.environ.get("GRIDDISPATCH_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        if os.environ.get("GRIDDISPATCH_REQUIRE_BROWSER") == "1":
            pytest.fail("a browser is required, and there is no chromium")
        pytest.skip("NOT COVERED in a browser: no chromium here")
    return found


@dataclass
class Stage:
    """The running product and a browser."""

    world: World
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the pages are."""
        return self.world.url("dispatch")

    @asynccontextmanager
    async def page(
        self, path: str, *, role: str = "command_centre", actor: str = "command-centre/leader-1", width: int = 1440,
        language: str = "zh", theme: str = "light", service: str = "dispatch", scripts: bool = True,
    ) -> AsyncIterator[Page]:  # fmt: skip
        """A page of its own; whatever its console complains about while it should not is kept."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts, locale=_LOCALES[language]
        )
        context.set_default_timeout(PATIENCE_MS)
        chosen = {"gd.role": role, "gd.actor": actor, "gd.lang": language, "gd.theme": theme}
        await context.add_init_script(
            f"for (const [k, v] of Object.entries({json.dumps(chosen)})) localStorage.setItem(k, v)"
        )
        page = await context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{path}: {error}"))
        page.on(
            "console", lambda said: self.complaints.append(f"{path}: {said.text}") if said.type == "error" else None
        )
        await page.goto(self.world.url(service) + path)
        try:
            yield page
        finally:
            await context.close()

    async def hand_in(self, key: str, **changes: Any) -> str:
        """Let a matter come in, of a source whose matters are never merged; its ticket id."""
        matter = {
            "source": f"{SOURCE}.browser", "external_id": key, "channel": "PHONE", "text": "小区门口的路灯不亮了",
            "location": {"lon": 119.22, "lat": 33.38},
        }  # fmt: skip
        answer = await self.world.http.post(f"{self.world.url('intake')}/v1/tickets", json=matter | changes)
        assert answer.status_code == 201, answer.text
        ticket_id: str = answer.json()["ticket_id"]
        return ticket_id

    async def ticket(self, ticket_id: str) -> dict[str, Any]:
        """A ticket as the API shows it; empty while dispatch does not know it."""
        answer = await self.world.http.get(f"{self.url}/v1/tickets/{ticket_id}")
        shown: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return shown


@asynccontextmanager
async def staged(world: World) -> AsyncIterator[Stage]:
    """The product, started, and a browser before it."""
    executable = chromium()
    try:
        await world.start()
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=executable, args=FLAGS, timeout=PATIENCE_MS)
            try:
                yield Stage(world, browser)
            finally:
                await browser.close()
    finally:
        await world.end()
