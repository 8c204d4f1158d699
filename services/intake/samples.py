"""What intake's metrics are told about work that waits."""

from typing import Final

from shared import telemetry
from shared.clock import Clock
from shared.database import Database, named_queries
from shared.sampling import Sample, age_s

_SQL = named_queries("services.intake", "sql", "samples.sql")
COUNTED: Final = 100_000
"""Who has more than this waiting need not know how many more."""


def waiting(database: Database, now: Clock) -> Sample:
    """Untriaged matters, suspected leads and suggested merges."""

    async def take() -> None:
        (untriaged,) = await database.fetch(_SQL["untriaged"], COUNTED)
        (leads,) = await database.fetch(_SQL["suspected_leads"], COUNTED)
        (merges,) = await database.fetch(_SQL["suggested_merges"], COUNTED)
        telemetry.UNTRIAGED.set(untriaged["n"])
        telemetry.UNTRIAGED_AGE.set(age_s(untriaged["since"], now()))
        telemetry.LEADS_SUSPECTED.set(leads["n"])
        telemetry.LEADS_SUSPECTED_AGE.set(age_s(leads["since"], now()))
        telemetry.MERGES_SUGGESTED.set(merges["n"])

    return Sample("waiting", take)
