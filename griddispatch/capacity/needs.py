"""What the course of a place asks of the machines: load by the minute, waits, replicas, partitions, bytes a year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log

from griddispatch.capacity.model import Course
from griddispatch.capacity.parameters import Machine, Parameters
from griddispatch.demo.stack import PORTS

HERD_S = 60.0
"""Within so long ring the clocks of 24:00, when deadlines in days run out, or of 08:30, when people are reminded."""
PARTITIONS_LEAST = 12
SERVICES = tuple(PORTS)


@dataclass(frozen=True)
class Needs:
    """Figures of the machines. Rates are those of the busiest minute of the course."""

    tickets_per_s_mean: float
    tickets_per_s_peak: float
    events_per_s_peak: float
    clocks_at_once: float
    cores: Mapping[str, float]
    """Cores each part uses in its busiest minute, on the machine that was measured."""
    replicas: Mapping[str, int]
    partitions: int
    database_gb_per_year: float
    open_clocks: float
    wait_p99_ms: float
    """From acknowledged to assigned in the busiest hour, with these replicas."""
    herd_lasts_s: float
    """How long dispatch's replicas take for the clocks of a midnight beside the tickets."""


def needs_of(course: Course, parameters: Parameters) -> Needs:
    """What the busiest hour and the largest herd of the course ask for."""
    machine, demand = parameters.machine, parameters.demand
    peak, mean = max(course.arrivals) / 3600, sum(course.arrivals) / len(course.arrivals) / 3600
    dispatched = peak * demand.dispatched_share
    open_most = max(course.open_at_midnight, default=0.0)
    herd = open_most * machine.herd_share
    cores = {
        "intake": peak * machine.intake_ms / 1000, "dispatch": peak * machine.dispatch_ms / 1000,
        "notify": peak * machine.notify_ms / 1000, "database": peak * machine.database_ms / 1000,
        "broker": peak * machine.broker_ms / 1000,
    }  # fmt: skip
    with_herd = cores | {"dispatch": max(cores["dispatch"], herd / HERD_S * machine.timer_ms / 1000)}
    # A service is one process: it never uses more than one core, so its replicas are what its cores ask for.
    replicas = {service: max(1, ceil(with_herd[service] / machine.target)) for service in SERVICES}
    events = dispatched * demand.events_per_dispatched + (peak - dispatched) * demand.events_per_answered
    share = cores["dispatch"] / replicas["dispatch"]
    return Needs(
        tickets_per_s_mean=mean, tickets_per_s_peak=peak, events_per_s_peak=events, clocks_at_once=herd,
        cores=with_herd, replicas=replicas,
        partitions=max(PARTITIONS_LEAST, *replicas.values(), ceil(events / machine.records_per_partition_s)),
        database_gb_per_year=_gigabytes_a_year(course, parameters), open_clocks=open_most * machine.timers_per_open,
        wait_p99_ms=wait_p99_ms(share, machine.dispatch_ms, machine),
        herd_lasts_s=herd * machine.timer_ms / 1000 / replicas["dispatch"],
    )  # fmt: skip


def _gigabytes_a_year(course: Course, parameters: Parameters) -> float:
    machine, share = parameters.machine, parameters.demand.dispatched_share
    a_ticket = share * machine.bytes_per_dispatched + (1 - share) * machine.bytes_per_answered
    return sum(course.arrivals) / course.days * 365 * a_ticket / 1e9


def wait_p99_ms(utilisation: float, service_ms: float, machine: Machine) -> float:
    """The 99th percentile of the time to a lead where one worker is so busy: exponential waits behind each other."""
    if utilisation >= 1:
        return float("inf")
    waiting = service_ms / (1 - utilisation) * log(100) if utilisation > 0 else 0.0
    return machine.least_ms + waiting


def bulk_rate(machine: Machine, cores: float, driver_ms: float = 0.0) -> float:
    """Tickets a second where everything shares so many cores and nothing else is in the way."""
    spent = (
        machine.intake_ms
        + machine.dispatch_ms
        + machine.notify_ms
        + machine.database_ms
        + machine.broker_ms
        + driver_ms
    )
    return cores * 1000 / spent


@dataclass(frozen=True)
class Compared:
    """A prediction beside what was measured."""

    name: str
    predicted: float
    measured: float
    unit: str

    @property
    def ratio(self) -> float:
        """Predicted over measured."""
        return self.predicted / self.measured if self.measured else float("inf")


def figures_of(bench: Mapping[str, object]) -> dict[tuple[str, str], float]:
    """The figures of a bench's report by scenario and name. ValueError when it is none."""
    figures = bench.get("figures")
    if not isinstance(figures, list):
        raise ValueError("no report of griddispatch bench: it has no figures")
    return {(f["scenario"], f["name"]): f["value"] for f in figures if f["value"] is not None}


def compare(machine: Machine, cores: float, measured: Mapping[tuple[str, str], float]) -> Sequence[Compared]:
    """What the model says of a run that was really made, for those scenarios that the run has."""
    driver = measured.get(("bulk", "processor, driver itself"), 0.0)
    spent_ms = 1000 / bulk_rate(machine, 1.0, driver)
    predicted = {
        ("bulk", "received → assigned"): (bulk_rate(machine, cores, driver), "tickets/s"),
        ("steady 100/s", "received → assigned p50"): (machine.least_ms, "ms"),
        ("steady 100/s", "received → assigned p99"): (wait_p99_ms(spent_ms / 10 / cores, spent_ms, machine), "ms"),
    }  # fmt: skip
    return [
        Compared(f"{scenario}, {name}", value, measured[scenario, name], unit)
        for (scenario, name), (value, unit) in predicted.items()
        if (scenario, name) in measured
    ]


def calibrated(machine: Machine, measured: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """The costs a ticket that a run measured, under the names of the parameters."""
    names = {
        "intake_ms": "processor, intake", "dispatch_ms": "processor, dispatch", "notify_ms": "processor, notify",
        "database_ms": "processor, database", "broker_ms": "processor, broker",
    }  # fmt: skip
    return {key: measured.get(("bulk", name)) or getattr(machine, key) for key, name in names.items()}
