"""HTTP of measuring: the three rates as JSON and CSV, recurring problems, and alerts."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from services.notify import gathering_store, rates_store
from services.notify.core.measures import MONTH, MeasureRules, Plan
from services.notify.core.sheets import BY, Row, Sheet, make_sheet, sheet_as_csv
from services.notify.warnings import Warnings
from shared.acting import acting
from shared.actors import covers
from shared.database import Database
from shared.errors import NotFound

PERIOD = Query(description="An assessment month, YYYY-MM.", pattern=MONTH)


async def read_sheet(database: Database, rules: MeasureRules, period: str, by: str, area: str) -> Sheet:
    """One period's table of an area. Raises Rejected for what is no period or nothing to order by."""
    rules.span_of(period)
    return make_sheet(period, by, await rates_store.read_counts(database, period, by, area), rules)


def router(database: Database, rules: MeasureRules, warnings: Warnings) -> APIRouter:
    """The routes of measuring."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/rates", response_model=None, responses={200: {"content": {"application/json": {}, "text/csv": {}}}})
    async def get_rates(
        period: Annotated[str, PERIOD],
        by: Literal["unit", "township", "category"] = "unit",
        form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    ) -> Response:
        """The three rates of a period, what left them, and what is shown beside them."""
        sheet = await read_sheet(database, rules, period, by, acting().area)
        if form == "csv":
            name = f"rates-{period}-{by}.csv"
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return Response(sheet_as_csv(sheet), headers=headers, media_type="text/csv; charset=utf-8")
        return JSONResponse(sheet_view(sheet, rules))

    @routes.get("/recurring-problems")
    async def list_recurring(
        period: Annotated[str | None, PERIOD] = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> dict[str, Any]:
        """Kinds of matters that keep coming up in one grid: within a period, or the last days if none is given."""
        recurring, until = rules.practice.recurring, warnings.now()
        since = until - timedelta(days=recurring.within_days)
        if period is not None:
            since, until = rules.span_of(period)
        found = await gathering_store.recurring_matters(database, since, until, recurring.least, limit, acting().area)
        return {"since": since, "until": until, "least": recurring.least, "problems": found}

    @routes.get("/alerts")
    async def list_alerts(
        days: Annotated[int, Query(ge=1, le=366)] = 7, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> dict[str, Any]:
        """Alerts of the last days, the latest first."""
        since = warnings.now() - timedelta(days=days)
        return {"alerts": await gathering_store.list_alerts(database, since, limit, acting().area)}

    @routes.get("/alerts/{alert_id}/graph")
    async def get_alert_graph(alert_id: UUID) -> dict[str, Any]:
        """One alert as a graph: its grids with the matters in each, and which of them touch."""
        found = await warnings.graph(database, alert_id)
        if found is None:
            raise NotFound(str(alert_id))
        plan = rules.practice.plans.get(str(found["playbook"]))  # None of a plan that the pack has no more
        return found | {"plan": plan_view(plan) if plan else None}

    @routes.get("/playbooks")
    async def list_playbooks() -> dict[str, Any]:
        """What the plans say to do that alerts name, and which categories each goes with (`*`: any other)."""
        practice = rules.practice
        return {
            "playbooks": [
                {
                    "playbook": name, **plan_view(plan),
                    "categories": sorted(root for root, wanted in practice.playbooks.items() if wanted == name),
                }
                for name, plan in practice.plans.items()
            ]
        }  # fmt: skip

    @routes.get("/growth")
    async def list_growth() -> dict[str, Any]:
        """Groups of categories that grow slowly, by township, as of the last full week."""
        return {
            "growing": [
                {
                    "category": a.group, "township": a.place, "week_start": a.window_start, "count": a.count,
                    "threshold": a.threshold, "playbook": a.playbook,
                }
                for a in await warnings.growth(database)
                if covers(acting().area, a.place)
            ]
        }  # fmt: skip

    return routes


def plan_view(plan: Plan) -> dict[str, Any]:
    """A plan as HTTP shows it."""
    steps = [{"zh": step.zh, "en": step.en} for step in plan.steps]
    return {"title": {"zh": plan.zh, "en": plan.en}, "steps": steps}


def sheet_view(sheet: Sheet, rules: MeasureRules) -> dict[str, Any]:
    """A table as HTTP shows it; percentages are texts with two places, so that nobody rounds them again."""
    assert sheet.by in BY
    since, until = rules.span_of(sheet.period)
    weights = {rule.name.value: rule.weight for rule in rules.rates.metric}
    return {
        "period": sheet.period, "since": since.isoformat(), "until": until.isoformat(), "by": sheet.by,
        "least_valid": rules.rates.least_valid, "basically_counts": rules.rates.basically_counts, "weights": weights,
        "rows": [row_view(row) for row in sheet.rows], "total": row_view(sheet.total),
    }  # fmt: skip


def row_view(row: Row) -> dict[str, Any]:
    """A row as HTTP shows it."""
    shown = {name: None if value is None else str(value) for name, value in row.figures._asdict().items()}
    return {"key": row.key, "too_few": row.too_few, "counts": row.counts._asdict(), "percent": shown}
