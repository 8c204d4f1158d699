"""A service guarded as its settings say: from the environment to the audit log."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Request

from shared import problems
from shared.access import actor_of
from shared.access_settings import AccessSettings
from shared.audit import verify
from shared.clock import utc_now
from shared.database import Database
from shared.errors import Rejected
from shared.gatekeeper import Gatekeeper
from shared.key_store import insert_key
from shared.openapi import ServiceApp
from shared.permissions import Whereabouts
from tests.access.provider import AUDIENCE, LoginProvider, claims, rs256
from tests.access.values import COUNTY, PEPPER_TEXT, ROLES_FILE, key


def settings(login: LoginProvider, **changes: Any) -> AccessSettings:
    said: dict[str, Any] = {
        "access": "enforced", "roles": ROLES_FILE, "key_pepper": PEPPER_TEXT, "tls_terminated": True,
        "oidc_issuer": login.url, "oidc_audience": AUDIENCE,
        "oidc_role_claim": "realm_access.roles", "oidc_roles": {"gd-privacy": "privacy_officer"},
    }  # fmt: skip
    return AccessSettings(_env_file=None, **said | changes)


async def in_the_county(ticket_id: UUID | int) -> Whereabouts | None:
    return Whereabouts(COUNTY)


def app_of(gatekeeper: Gatekeeper) -> ServiceApp:
    app, routes = ServiceApp("intake"), APIRouter()
    gatekeeper.access.install(app)
    problems.install(app)

    @routes.get("/v1/tickets/{ticket_id}/matter")
    async def get_matter(ticket_id: str, request: Request) -> dict[str, str]:
        return {"by": actor_of(request).name}

    @routes.get("/livez", include_in_schema=False)
    async def livez() -> dict[str, str]:
        return {}

    app.include_router(routes)
    gatekeeper.access.check(app.openapi())
    return app


async def ask(gatekeeper: Gatekeeper, path: str, token: str | None = None) -> httpx.Response:
    transport = httpx.ASGITransport(app_of(gatekeeper), client=("192.0.2.7", 1))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(transport=transport, base_url="http://county.example") as http:
        return await http.get(path, headers=headers)


async def test_words_are_unlocked_by_whom_the_provider_names_and_it_stands_in_the_log(
    tables: Database, login: LoginProvider
) -> None:
    gatekeeper = Gatekeeper("intake", settings(login), tables, "copy-1", {"ticket_id": in_the_county})
    now = int(time.time())
    said = claims(
        iss=login.url, realm_access={"roles": ["gd-privacy", "offline_access"]}, exp=now + 60, iat=now, nbf=None
    )
    assert (await ask(gatekeeper, "/v1/tickets/1/matter", rs256(said))).json() == {"by": "privacy_officer:p-17"}
    await gatekeeper.trail.flush()
    (row,) = await tables.fetch("SELECT entry ->> 'outcome' AS outcome, actor, subject FROM audit")
    assert tuple(row) == ("allowed", "privacy_officer:p-17", "1")
    assert await verify(tables) == (1, [])
    await gatekeeper.close()


async def test_a_token_of_last_spring_is_not_good_today(tables: Database, login: LoginProvider) -> None:
    gatekeeper = Gatekeeper("intake", settings(login), tables, "copy-1", {"ticket_id": in_the_county})
    said = claims(iss=login.url, realm_access={"roles": ["gd-privacy"]})
    assert (await ask(gatekeeper, "/v1/tickets/1/matter", rs256(said))).status_code == 401
    await gatekeeper.close()


async def test_a_key_may_not_unlock_words_and_the_refusal_stands_in_the_log(
    tables: Database, login: LoginProvider
) -> None:
    text, kept = key(expires_at=utc_now() + timedelta(days=1))
    gatekeeper = Gatekeeper("intake", settings(login), tables, "copy-1", {"ticket_id": in_the_county})
    async with tables.transaction() as tx:
        await insert_key(tx, kept)
    assert (await ask(gatekeeper, "/v1/tickets/1/matter", text)).status_code == 403
    await gatekeeper.trail.flush()
    (row,) = await tables.fetch("SELECT entry ->> 'outcome' AS outcome, actor, subject FROM audit")
    assert tuple(row) == ("refused", "hotline:hotline-a", "1")
    await gatekeeper.close()


async def test_whether_the_service_lives_is_no_secret(tables: Database, login: LoginProvider) -> None:
    gatekeeper = Gatekeeper("intake", settings(login), tables, "copy-1", {"ticket_id": in_the_county})
    assert (await ask(gatekeeper, "/livez")).status_code == 200
    await gatekeeper.close()


async def test_in_demo_mode_another_machine_is_told_so(tables: Database, login: LoginProvider) -> None:
    gatekeeper = Gatekeeper("intake", settings(login, access="open"), tables, "copy-1", {"ticket_id": in_the_county})
    assert (await ask(gatekeeper, "/v1/tickets/1/matter")).status_code == 403
    await gatekeeper.close()


async def test_rules_that_are_missing_or_wrong_end_the_start(
    tables: Database, login: LoginProvider, tmp_path: Path
) -> None:
    with pytest.raises(OSError, match=r"missing\.toml"):
        Gatekeeper(
            "intake", settings(login, roles=tmp_path / "missing.toml"), tables, "copy-1", {"ticket_id": in_the_county}
        )
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[roles", encoding="utf-8")
    with pytest.raises(Rejected):
        Gatekeeper("intake", settings(login, roles=wrong), tables, "copy-1", {"ticket_id": in_the_county})
