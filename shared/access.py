"""Access 访问控制: every request is asked who it comes from, and whether that one may; what has no rule is refused."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.acting import act_for, one_request
from shared.actors import EVERYWHERE, STRANGER, Actor, Asked, Forbidden, TooMany, Unauthenticated
from shared.audit import Entry
from shared.clock import Clock, utc_now
from shared.errors import NotFound, Problem, Rejected
from shared.identity import ACTOR_HEADER, ROLE_HEADER, Identify
from shared.openapi import ServiceApp, operation_id, operations
from shared.permissions import Locate, Permissions, Reach, Rule, check_scope, must_answer_for, must_see
from shared.problems import problem
from shared.rate_limit import Policy, RateLimits

REALM: Final = 'Bearer realm="griddispatch"'
UNDOCUMENTED: Final = (
    "livez", "readyz", "metrics", "get_asyncapi", "list_schemas", "get_schema", "get_console", "get_tasks", "get_part",
)  # fmt: skip
"""Routes that stand in no OpenAPI document and are open: they tell nothing of anybody. Pages fetch theirs."""
REFUSED: Final = Policy("refused", 60)
"""How often somebody may be wrong about who they are, in a minute."""
_OF_OBJECTS: Final = (Reach.AREA, Reach.UNIT)
_STATE: Final = "griddispatch_limits"
_TELLING: Final = frozenset((b"authorization", b"host", ROLE_HEADER.encode(), ACTOR_HEADER.encode()))


@dataclass(frozen=True, slots=True)
class Access:
    """What guards one service. `note` takes every refusal, and what was allowed where the rule says so.

    `places` finds the things that routes name, by the name of the parameter: `ticket_id`, `assignment_id`.
    """

    service: str
    permissions: Permissions
    identify: Identify
    limits: RateLimits
    note: Callable[[Entry], None]
    refused_policy: Policy = REFUSED
    freshen: Callable[[], Awaitable[None]] | None = None
    now: Clock = utc_now
    places: Mapping[str, Locate] = field(default_factory=dict)

    def install(self, app: FastAPI) -> None:
        """Guard every route of the app, whenever it is added, and answer refusals. Call it before including routers."""
        app.state.access = self
        if isinstance(app, ServiceApp):
            app.asks_who = self._asks_who
        app.router.dependencies.append(Depends(self.guard))
        app.add_middleware(_Requests)
        _install_handlers(app)

    def _asks_who(self, operation: str) -> bool:
        rule = self.permissions.rule(self.service, operation)
        return rule is not None and rule.needs_actor

    def check(self, document: dict[str, Any]) -> None:
        """Raises ValueError when the service must not start.

        A route has no rule, or two routes share one by name, or a rule is about things that nobody can find.
        """
        names = [operation["operationId"] for operation in operations(document)]
        faults = [f"{name}: no rule" for name in sorted(set(names)) if not self.permissions.rule(self.service, name)]
        faults += [f"{name}: stands for two routes" for name, times in sorted(Counter(names).items()) if times > 1]
        faults += [fault for operation in operations(document) for fault in self._lost(operation)]
        if faults:
            raise ValueError(f"roles.toml does not cover {self.service}: {', '.join(faults)}")

    def _lost(self, operation: dict[str, Any]) -> list[str]:
        name = operation["operationId"]
        rule = self.permissions.rule(self.service, name)
        known = {parameter["name"] for parameter in operation.get("parameters", ())} & self.places.keys()
        if rule is None or rule.reach not in _OF_OBJECTS or known or rule.judged:
            return []
        return [f"{name}: names nothing whose place is known; say in `judged` how the service itself looks"]

    async def check_line(self, request: Request, operation: str, things: Mapping[str, object]) -> None:
        """Whether who asks might call another route on these things: for a body of many commands, each as its own.

        Raises Unauthenticated, Forbidden and NotFound, each written down; Rejected for what is no id.
        """
        rule = self.permissions.rule(self.service, operation)
        actor, asked = actor_of(request), asked_of(request)
        subject = next((str(thing) for thing in things.values() if thing is not None), None)
        try:
            if rule is None:
                raise Forbidden("no-rule", "Nobody may do this.")
            if rule.needs_actor and actor is STRANGER:
                raise Unauthenticated("no-credentials", presented=False)
            check_scope(rule, actor)
            named = {name: str(thing) for name, thing in things.items() if thing is not None}
            await self._check_place(named, rule, actor)
        except (Unauthenticated, Forbidden, NotFound) as refusal:
            self._write(operation, actor, asked, subject, getattr(refusal, "reason", "elsewhere"))
            raise
        if rule.audited:
            self._write(operation, actor, asked, subject)

    async def guard(self, request: Request) -> None:
        """The dependency: finds out who asks, and stops those who may not. `actor_of` tells the handlers."""
        operation = operation_id(request.scope["route"])
        rule = self.permissions.rule(self.service, operation)
        if rule is None and operation in UNDOCUMENTED:
            return
        asked = asked_of(request)
        actor = STRANGER
        try:
            if rule is None:
                raise Forbidden("no-rule", "Nobody may do this.")
            actor = await self._admit(request, rule, asked)
            check_scope(rule, actor)
            # Who shows a code, or looks at what is public, asks the service for it: the proof is its own to check.
            act_for(actor, actor.jurisdiction if rule.needs_actor else EVERYWHERE)
            await self._check_place({**request.query_params, **request.path_params}, rule, actor)
        except (Unauthenticated, Forbidden, TooMany) as refusal:
            self._note(operation, actor, asked, request, getattr(refusal, "reason", "too-many"))
            raise
        except NotFound:
            self._note(operation, actor, asked, request, "elsewhere")
            raise
        request.state.actor = actor
        if rule.audited:
            self._note(operation, actor, asked, request)

    async def _admit(self, request: Request, rule: Rule, asked: Asked) -> Actor:
        # Whoever guesses is slowed down before anything is looked up for them.
        peer = asked.peer or "?"
        if asked.authorization and self.limits.knows(self.refused_policy, peer):
            self.limits.spend(self.refused_policy, peer, 0)
        try:
            actor, policy = await self.identify.actor_of(asked)
            if rule.needs_actor and actor is STRANGER:
                raise Unauthenticated("no-credentials", presented=False)
        except Unauthenticated as refusal:
            if refusal.presented:
                self.limits.spend(self.refused_policy, peer)
            raise
        if policy is not None:
            # Not by the role: who has two gets one quota.
            left = self.limits.spend(policy, actor.person or actor.credential)
            request.scope.setdefault("state", {})[_STATE] = left.headers()
        if rule.reach == "code" and self.freshen is not None:
            await self.freshen()
        return actor

    async def _check_place(self, told: Mapping[str, object], rule: Rule, actor: Actor) -> None:
        """Raises NotFound, the same as for what is not there at all, for a thing of another area or unit.

        Raises Rejected for what cannot be looked up: a route may read more spellings than the guard, `+5` for 5.
        """
        if rule.reach not in _OF_OBJECTS or actor.jurisdiction == EVERYWHERE:
            return
        for name, locate in self.places.items():
            if name not in told:
                continue
            place = await locate(_id(name, told[name]))
            if place is None:
                raise NotFound(name)
            must_see(actor, place.code)
            if rule.reach is Reach.UNIT:
                must_answer_for(actor, self.permissions, place.units)

    def must_see(self, request: Request, code: str) -> Actor:
        """Who asks, if a thing with this division or grid code lies in their area. Raises NotFound, written down."""
        actor = actor_of(request)
        try:
            must_see(actor, code)
        except NotFound:
            self._note(operation_id(request.scope["route"]), actor, asked_of(request), request, "other-area")
            raise
        return actor

    def must_answer_for(self, request: Request, units: tuple[str, ...]) -> Actor:
        """Who asks, if they act for one of these units, or for none at all. Raises NotFound, written down."""
        actor = actor_of(request)
        try:
            must_answer_for(actor, self.permissions, units)
        except NotFound:
            self._note(operation_id(request.scope["route"]), actor, asked_of(request), request, "other-unit")
            raise
        return actor

    def must_post_as(self, request: Request, source: str) -> Actor:
        """Who asks, if they may hand in under this source's name. Raises Forbidden, written down."""
        actor = actor_of(request)
        if actor.may_post_as(source):
            return actor
        self._note(operation_id(request.scope["route"]), actor, asked_of(request), request, "other-source")
        raise Forbidden("other-source", "This key may not post under that source.")

    def _note(self, operation: str, actor: Actor, asked: Asked, request: Request, reason: str = "") -> None:
        subject = next(iter(request.path_params.values()), None)
        self._write(operation, actor, asked, subject, reason)

    def _write(self, operation: str, actor: Actor, asked: Asked, subject: object, reason: str = "") -> None:
        self.note(
            Entry(
                actor.name, operation, "refused" if reason else "allowed", self.now(), actor.credential,
                None if subject is None else str(subject)[:80].replace("\x00", ""), reason, asked.peer,
            )
        )  # fmt: skip


def actor_of(request: Request) -> Actor:
    """Who asks; STRANGER where the guard let nobody in particular pass."""
    actor: Actor = getattr(request.state, "actor", STRANGER)
    return actor


def access_of(request: Request) -> Access:
    """What guards the service that was asked. Raises AttributeError where nothing does."""
    guarding: Access = request.app.state.access
    return guarding


def require(scope: str) -> Callable[[Request], Actor]:
    """A dependency for a handler that asks for a further right, and gets who asks. It raises Forbidden."""

    def required(request: Request) -> Actor:
        actor = actor_of(request)
        if not actor.may(scope):
            raise Forbidden("scope", f"The role {actor.role!r} may not do this.", scope)
        return actor

    return required


def asked_of(request: Request) -> Asked:
    """What of a request says who asks. Only headers: a key in an address would stand in every log on the way."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in request.scope["headers"]:
        if name in _TELLING:
            told = name.decode("latin-1")
            found[told] = (*found.get(told, ()), value.decode("latin-1"))
    peer = request.scope.get("client")
    return Asked(found.get("authorization", ()), found, peer[0] if peer else None, found.get("host", ("",))[0])


def _install_handlers(app: FastAPI) -> None:
    @app.exception_handler(Unauthenticated)
    async def unauthenticated(request: Request, error: Unauthenticated) -> JSONResponse:
        told = f'{REALM}, error="invalid_token"' if error.presented else REALM
        return problem(401, "unauthenticated", "Say who you are.", headers={"WWW-Authenticate": told})

    @app.exception_handler(Forbidden)
    async def forbidden(request: Request, error: Forbidden) -> JSONResponse:
        told = f'{REALM}, error="insufficient_scope", scope="{error.scope}"' if error.scope else ""
        return problem(403, "forbidden", str(error), headers={"WWW-Authenticate": told} if told else None)

    @app.exception_handler(TooMany)
    async def too_many(request: Request, error: TooMany) -> JSONResponse:
        headers = {
            "Retry-After": str(error.retry_after_s),
            "RateLimit": f'"{error.policy}";r=0;t={error.retry_after_s}',
        }
        title = "More than your quota: wait as Retry-After says."
        return problem(429, "quota-exceeded", title, headers=headers, violated_policies=[error.policy])


def _id(name: str, text: object) -> UUID | int:
    """An id in an address. Raises NotFound for a number that no thing has, Rejected for what is no id at all."""
    said = str(text)
    try:
        return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else UUID(said)
    except ValueError as error:
        if said.lstrip("+-").isdigit():
            raise NotFound(name) from error
        raise Rejected(Problem(name, "no_id", "must be an id, as it was given")) from error


class _Requests:
    """Begins every request with nobody known, and puts what is left of the quota on whatever answer it gets."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            left = scope.get("state", {}).get(_STATE)
            if left and message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in left.items():
                    headers.setdefault(name, value)
            await send(message)

        with one_request():
            await self._app(scope, receive, told)
