"""HTTP of webhook subscriptions: each owner sees and changes their own, and nobody else's is there for them."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from services.notify import subscription_store as kept
from services.notify.core.subscription import TELLABLE, Subscription, SubscriptionState, Wish
from services.notify.core.target import LONGEST_URL
from services.notify.officers import actor_of
from services.notify.subscriptions import NewKey, Signing, Subscriptions, SubscriptionsOff, callers_area, is_owned
from shared.database import Database
from shared.errors import NotFound
from shared.moments import WHOLE, Instant
from shared.openapi import PROBLEM_TYPE
from shared.problems import problem
from shared.terms import TicketId

MOST_IN_A_LIST = 200
_NEWEST = 2**62
_WHILE_DISABLED: dict[int | str, dict[str, Any]] = {
    409: {"description": "It is disabled: enable it first.", "content": {PROBLEM_TYPE: {}}}
}

Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,15}$")]
Unit = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
EventType = Annotated[str, Field(json_schema_extra={"enum": sorted(TELLABLE)})]
Url = Annotated[
    str,
    StringConstraints(min_length=1, max_length=LONGEST_URL),
    Field(examples=["https://hooks.county.example/tickets"]),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class WishBody(_Body):
    """What to hear of; an empty list means everything. Categories and areas are beginnings of codes."""

    event_types: Annotated[list[EventType], Field(max_length=MOST_IN_A_LIST)] = []
    units: Annotated[list[Unit], Field(max_length=MOST_IN_A_LIST)] = []
    categories: Annotated[list[Code], Field(max_length=MOST_IN_A_LIST)] = []
    areas: Annotated[list[Code], Field(max_length=MOST_IN_A_LIST)] = []
    exercises: bool = False

    @field_validator("event_types")
    @classmethod
    def _known(cls, types: list[str]) -> list[str]:
        if set(types) - TELLABLE:
            raise ValueError("names a type that cannot be subscribed to")
        return types

    def wish(self) -> Wish:
        """The wish itself."""
        types, units, categories, areas = map(
            frozenset, (self.event_types, self.units, self.categories, self.areas)
        )  # fmt: skip
        return Wish(types, units, categories, areas, self.exercises)


class SubscriptionBody(WishBody):
    """A new subscription."""

    name: Name
    url: Url
    signing: Annotated[Signing, Field(strict=False)] = Signing.HMAC


class ChangeBody(_Body):
    """What changes; what is not named stays."""

    name: Name | None = None
    url: Url | None = None
    wish: WishBody | None = None


class RotationBody(_Body):
    """How the new key signs, and how long the one until now signs beside it."""

    signing: Annotated[Signing, Field(strict=False)] = Signing.HMAC
    overlap_hours: Annotated[int, Field(ge=0, le=24 * 14), WHOLE] = 24


class ReplayBody(_Body):
    """What to deliver again: one ticket's events, or those of a time."""

    # Not strictly, or no text would be an id or an instant; neither takes a number.
    model_config = ConfigDict(strict=False, json_schema_extra={"examples": [{"since": "2026-03-10T01:15:00Z"}]})

    ticket_id: UUID | None = None
    since: Instant | None = None
    until: Instant | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.ticket_id is None) == (self.since is None) or (self.until is not None and self.since is None):
            raise ValueError("name either a ticket, or since when (and perhaps until when)")
        return self


def router(database: Database, subscriptions: Subscriptions) -> APIRouter:
    """The routes of subscribing."""
    routes = APIRouter(prefix="/v1/subscriptions")

    @routes.post("", status_code=201, response_model=None)
    async def create_subscription(request: Request, body: SubscriptionBody) -> JSONResponse:
        """Subscribe. The key is shown this once: the shared secret, or the public half of a pair."""
        try:
            async with database.transaction() as tx:
                made, key = await subscriptions.create(
                    tx, owner_of(request), body.name, body.url, body.wish(), body.signing
                )  # fmt: skip
        except SubscriptionsOff as error:
            return _off(error)
        return JSONResponse(view(made) | _key_view(key), 201)

    @routes.get("")
    async def list_subscriptions(request: Request) -> dict[str, Any]:
        """One's own, the oldest first."""
        return {"subscriptions": [view(s) for s in await _owned(request)]}

    @routes.get("/{subscription_id}")
    async def get_subscription(request: Request, subscription_id: UUID) -> dict[str, Any]:
        """One of one's own."""
        return view(await _own(request, subscription_id))

    @routes.patch("/{subscription_id}")
    async def change_subscription(
        request: Request, subscription_id: UUID, body: ChangeBody,
        if_match: Annotated[str | None, Header(pattern=r'^"?[0-9]{1,9}"?$')] = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Change name, address or wish; a new address is judged like the first. `If-Match` names the version seen."""
        changes: dict[str, object] = {k: v for k, v in (("name", body.name), ("url", body.url)) if v is not None}
        if body.wish is not None:
            changes["wish"] = body.wish.wish()
        version = None if if_match is None else int(if_match.strip('"'))
        async with database.transaction() as tx:
            return view(await subscriptions.change(tx, owner_of(request), subscription_id, version, **changes))

    @routes.post("/{subscription_id}/enable")
    async def enable_subscription(request: Request, subscription_id: UUID) -> dict[str, Any]:
        """Deliver again, what waits first."""
        return await _turn(request, subscription_id, SubscriptionState.ACTIVE)

    @routes.post("/{subscription_id}/disable")
    async def disable_subscription(request: Request, subscription_id: UUID) -> dict[str, Any]:
        """Deliver nothing for now. What happens meanwhile is not queued, and can be replayed."""
        return await _turn(request, subscription_id, SubscriptionState.DISABLED)

    @routes.delete("/{subscription_id}", status_code=204)
    async def delete_subscription(request: Request, subscription_id: UUID) -> Response:
        """End it for good."""
        await _turn(request, subscription_id, SubscriptionState.DELETED)
        return Response(status_code=204)

    @routes.post("/{subscription_id}/keys", status_code=201, response_model=None)
    async def rotate_subscription_key(request: Request, subscription_id: UUID, body: RotationBody) -> JSONResponse:
        """A new key, shown this once. The one until now signs beside it for a while; an older one ends at once."""
        overlap = timedelta(hours=body.overlap_hours)
        try:
            async with database.transaction() as tx:
                key, until = await subscriptions.rotate(
                    tx, owner_of(request), subscription_id, body.signing, overlap
                )  # fmt: skip
        except SubscriptionsOff as error:
            return _off(error)
        return JSONResponse(_key_view(key) | {"previous_until": until.isoformat()}, 201)

    @routes.post("/{subscription_id}/ping", status_code=202, responses=_WHILE_DISABLED)
    async def ping_subscription(request: Request, subscription_id: UUID) -> dict[str, Any]:
        """Send a test message; the log of deliveries says what became of it."""
        async with database.transaction() as tx:
            return {"delivery": await subscriptions.ping(tx, owner_of(request), subscription_id)}

    @routes.post("/{subscription_id}/replays", status_code=202, responses=_WHILE_DISABLED)
    async def replay_subscription(request: Request, subscription_id: UUID, body: ReplayBody) -> dict[str, Any]:
        """Deliver again what fits of a ticket or of a time, with the ids it had. It goes back as far as the feed."""
        ticket_id = None if body.ticket_id is None else TicketId(body.ticket_id)
        async with database.transaction() as tx:
            queued = await subscriptions.replay(
                tx, owner_of(request), subscription_id, ticket_id=ticket_id, since=body.since, until=body.until
            )  # fmt: skip
        return {"queued": queued}

    @routes.get("/{subscription_id}/deliveries")
    async def list_deliveries(
        request: Request, subscription_id: UUID, before: Annotated[int, Query(ge=1, le=_NEWEST)] = _NEWEST,
        state: Literal["", "QUEUED", "LEASED", "DELIVERED", "FAILED"] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> dict[str, Any]:  # fmt: skip
        """What was delivered or is going to be, with every attempt, the latest first; `before` goes on from a page."""
        await _own(request, subscription_id)
        return {"deliveries": await kept.list_deliveries(database, subscription_id, before, state, limit)}

    async def _own(request: Request, identity: UUID) -> Subscription:
        found = await kept.read_subscription(database, identity)
        if found is None or not is_owned(found, owner_of(request)):
            raise NotFound("no such subscription")
        return found

    async def _owned(request: Request) -> list[Subscription]:
        return await kept.list_subscriptions(database, owner_of(request), callers_area())

    async def _turn(request: Request, identity: UUID, state: SubscriptionState) -> dict[str, Any]:
        async with database.transaction() as tx:
            return view(await subscriptions.set_state(tx, owner_of(request), identity, state))

    return routes


def owner_of(request: Request) -> str:
    """Whose subscriptions these are: the person's, else the unit's."""
    actor = actor_of(request)
    return actor.person or actor.unit


def view(subscription: Subscription) -> dict[str, Any]:
    """A subscription as HTTP shows it, without its keys."""
    wish, at = subscription.wish, subscription.delivered_at
    return {
        "subscription_id": str(subscription.id), "name": subscription.name, "url": subscription.url,
        "event_types": sorted(wish.types), "units": sorted(wish.units), "categories": sorted(wish.categories),
        "areas": sorted(wish.areas), "exercises": wish.exercises, "state": subscription.state,
        "stopped_for": subscription.stopped_for, "version": subscription.version,
        "created_at": subscription.created_at.isoformat(), "changed_at": subscription.changed_at.isoformat(),
        "delivered_at": at.isoformat() if at else None,
    }  # fmt: skip


def _key_view(key: NewKey) -> dict[str, str]:
    return {"key": key.shown}


def _off(error: SubscriptionsOff) -> JSONResponse:
    return problem(409, "subscriptions-off", f"This installation takes no subscriptions: {error}.")
