"""The console and the task page: files of this package, read once, served under a strict policy, needing no network."""

import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template
from typing import Final, NamedTuple

from fastapi import APIRouter, Request, Response

from services.dispatch.elsewhere import Elsewhere
from shared.errors import NotFound

TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:{pictures};"
        " connect-src 'self'{services}; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "geolocation=(self), camera=(self)",
    "Cache-Control": "no-cache",
}
"""Nothing from elsewhere, nothing inline, in nobody's frame; kept, but asked for again each time.

`{services}` stands for where else the pages may ask, `{pictures}` for where the base map's tiles are."""


PAGES: Final = {"app.js": ("指挥台", "wide"), "tasks.js": ("我的任务", "phone")}
"""The script of each page, its title until the script has another, and its look."""
TEMPLATE: Final = "page.html"
_IMPORTS: Final = re.compile(r'from "\./([^"]+)"')


class Part(NamedTuple):
    """A file as it is sent."""

    body: bytes
    type: str
    etag: str


@cache
def parts() -> dict[str, Part]:
    """Every file by its path below `console`, and the pages, made of one template, by their script's."""
    found = dict(_walk(files("services.dispatch") / "console", ""))
    template = Template(found.pop(TEMPLATE).body.decode())
    for script, (title, look) in PAGES.items():
        page = template.substitute(title=title, look=look, script=script, preloads=_preloads(found, script))
        found[script.replace(".js", ".html")] = _part(page.encode(), TYPES[".html"])
    return found


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, Part]]:
    found = []
    for entry in folder.iterdir():
        kind = TYPES.get(entry.name[entry.name.rfind(".") :])
        if entry.is_dir():
            found += _walk(entry, f"{prefix}{entry.name}/")
        elif kind:
            found.append((f"{prefix}{entry.name}", _part(entry.read_bytes(), kind)))
    return found


def _part(body: bytes, kind: str) -> Part:
    return Part(body, kind, f'"{sha256(body).hexdigest()[:20]}"')


def _preloads(found: Mapping[str, Part], script: str) -> str:
    """Whatever the script imports, told ahead, so that nothing is asked for only after something else came."""
    wanted, new = set[str](), {script}
    while new:
        wanted |= new
        new = {part for name in new for part in _IMPORTS.findall(found[name].body.decode())} - wanted
    return "\n".join(f'  <link rel="modulepreload" href="/console/{part}">' for part in sorted(wanted - {script}))


def router(elsewhere: Elsewhere, map_origin: str) -> APIRouter:
    """The pages and their parts; they may ask the other services, and fetch tiles, at these origins too."""
    headers = headers_for(elsewhere, map_origin)
    routes = APIRouter(include_in_schema=False)

    @routes.get("/console")
    async def get_console(request: Request) -> Response:
        return _send(request, "app.html", headers)

    @routes.get("/tasks")
    async def get_tasks(request: Request) -> Response:
        return _send(request, "tasks.html", headers)

    @routes.get("/console/{path:path}")
    async def get_part(request: Request, path: str) -> Response:
        return _send(request, path, headers)

    return routes


def headers_for(elsewhere: Elsewhere, map_origin: str) -> Mapping[str, str]:
    """What goes with every part: the policy, opened for these origins where they are given."""
    policy = HEADERS["Content-Security-Policy"]
    for name, origins in (("{services}", elsewhere), ("{pictures}", (map_origin,))):
        policy = policy.replace(name, "".join(f" {origin}" for origin in origins if origin))
    # Those who give tiles away want to know to which site: they are told the origin, never a page's address.
    referrer = {"Referrer-Policy": "strict-origin"} if map_origin else {}
    return {**HEADERS, "Content-Security-Policy": policy, **referrer}


def _send(request: Request, name: str, common: Mapping[str, str]) -> Response:
    part = parts().get(name)
    if part is None:
        raise NotFound(name)
    headers = {**common, "ETag": part.etag}
    if request.headers.get("if-none-match") == part.etag:
        return Response(status_code=304, headers=headers)
    return Response(part.body, media_type=part.type, headers=headers)
