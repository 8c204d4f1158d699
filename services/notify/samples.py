"""What notify's metrics are told about messages and follow-ups that wait, and about the three rates."""

from typing import Final

from services.notify import rates_store
from services.notify.core.measures import MeasureRules
from services.notify.core.rates import Counts, figures, total
from shared import telemetry
from shared.actors import EVERYWHERE
from shared.clock import Clock
from shared.database import Database, named_queries
from shared.sampling import SELDOM, Sample, age_s

_SQL = named_queries("services.notify", "sql", "samples.sql")
COUNTED: Final = 100_000
TOWNSHIPS_SHOWN: Final = 200
ALL: Final = "all"
UNKNOWN: Final = "unknown"
RATES: Final = ("response", "solution", "satisfaction")


def waiting(database: Database, now: Clock) -> Sample:
    """Messages, follow-ups and tasks that wait."""

    async def take() -> None:
        instant = now()
        (messages,) = await database.fetch(_SQL["waiting_messages"], instant, COUNTED)
        (follow_ups,) = await database.fetch(_SQL["open_follow_ups"], instant, COUNTED)
        (tasks,) = await database.fetch(_SQL["open_tasks"], COUNTED)
        telemetry.MESSAGES_WAITING.set(messages["n"])
        telemetry.MESSAGES_WAITING_AGE.set(age_s(messages["since"], instant))
        telemetry.FOLLOW_UPS_OPEN.set(follow_ups["n"])
        telemetry.FOLLOW_UPS_LATE.set(follow_ups["late"])
        telemetry.FOLLOW_UPS_LATE_AGE.set(age_s(follow_ups["since"], instant))
        telemetry.TASKS_OPEN.set(tasks["n"])

    return Sample("waiting", take)


def three_rates(database: Database, rules: MeasureRules, now: Clock) -> Sample:
    """This month's rates, of all and of the townships with the most follow-ups; none where there are too few."""

    async def take() -> None:
        found = await rates_store.read_counts(database, rules.period_of(now()), "township", EVERYWHERE)
        busiest = sorted(found.items(), key=lambda item: (-item[1].valid, item[0]))[:TOWNSHIPS_SHOWN]
        telemetry.RATE.clear()
        telemetry.RATE_SAMPLE.clear()
        _show(ALL, total(found.values()), rules)
        for township, counts in busiest:
            _show(township or UNKNOWN, counts, rules)

    return Sample("rates", take, SELDOM)


def _show(township: str, counts: Counts, rules: MeasureRules) -> None:
    shown = figures(counts, rules)._asdict()
    telemetry.RATE_SAMPLE.labels(township=township).set(counts.valid)
    for rate in RATES:
        if shown[rate] is not None:
            telemetry.RATE.labels(rate=rate, township=township).set(float(shown[rate]) / 100)
