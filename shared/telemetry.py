"""Every metric of the product, and how logs are written: JSON lines with bound fields."""

import logging
import sys

import structlog
from prometheus_client import Counter, Gauge, Histogram

EVENTS_APPLIED = Counter("griddispatch_events_applied_total", "Events applied, once each.", ["source"])
EVENTS_DUPLICATE = Counter("griddispatch_events_duplicate_total", "Events seen before and dropped.", ["source"])
EVENTS_PARKED = Counter("griddispatch_events_parked_total", "Events that came before their turn.", ["source"])
EVENTS_UNRECOGNISED = Counter("griddispatch_events_unrecognised_total", "Events of a type unknown here.", ["topic"])
EVENTS_PUBLISHED = Counter("griddispatch_events_published_total", "Events acknowledged by Kafka.", ["topic"])
PUBLISH_FAILURES = Counter("griddispatch_publish_failures_total", "Batches that Kafka did not take whole.", ["topic"])
RECORDS_DEAD = Counter("griddispatch_records_dead_total", "Records put in the dead-letter table.", ["topic"])
BATCH_RETRIES = Counter("griddispatch_batch_retries_total", "Batches tried again.", ["topic"])
BATCH_SECONDS = Histogram(
    "griddispatch_batch_seconds", "Time to apply one batch.", ["topic"], buckets=(0.005, 0.02, 0.05, 0.1, 0.5, 2, 10)
)
STREAM_HALTED = Gauge("griddispatch_stream_halted", "1 when the stream stopped itself.", ["group"])
OUTBOX_EVENTS = Gauge("griddispatch_outbox_events", "Events not yet acknowledged by Kafka.")
OUTBOX_AGE = Gauge("griddispatch_outbox_age_seconds", "Age of the oldest unpublished event.")
PARKED_EVENTS = Gauge("griddispatch_parked_events", "Events waiting for the one before them.")
PARKED_AGE = Gauge("griddispatch_parked_age_seconds", "Age of the oldest parked event.")
DEAD_LETTERS = Gauge("griddispatch_dead_letters", "Dead letters that nobody has settled.")
RELAY_SHARDS = Gauge("griddispatch_relay_shards", "Relay shards this process leads.")

TICKETS_ACCEPTED = Counter("griddispatch_tickets_accepted_total", "Matters accepted durably.", ["door"])
TICKETS_REPLAYED = Counter("griddispatch_tickets_replayed_total", "Repeats answered from the first time.", ["door"])
REPORTS_REJECTED = Counter("griddispatch_reports_rejected_total", "Reports refused as wrong.", ["door"])
TICKETS_TRIAGED = Counter("griddispatch_tickets_triaged_total", "Matters triaged.", ["ticket_type", "urgency"])
TICKETS_ASSIGNED = Counter("griddispatch_tickets_assigned_total", "Lead assignments made.", ["size"])
TICKETS_ESCALATED = Counter("griddispatch_tickets_escalated_total", "Escalations, by level.", ["level"])
TICKETS_CLOSED = Counter("griddispatch_tickets_closed_total", "Tickets closed.", ["reason"])
TICKETS_REOPENED = Counter("griddispatch_tickets_reopened_total", "Tickets reopened.")
TIMERS_FIRED = Counter("griddispatch_timers_fired_total", "Timers fired.", ["clock"])
TIMER_LATENESS = Histogram(
    "griddispatch_timer_lateness_seconds", "How late timers fire.", buckets=(0.1, 0.5, 1, 2, 5, 30, 300)
)
TIMERS_MENDED = Counter("griddispatch_timers_mended_total", "Open tickets found without a clock and mended: stays 0.")
AUDITED_AT = Gauge("griddispatch_auditor_last_look_timestamp_seconds", "When the auditor of the clocks last looked.")
CLOCK_STEPS = Counter(
    "griddispatch_clock_steps_total", "Jumps of this machine's clock; no timer fires until it is sure."
)
NOTIFICATIONS = Counter("griddispatch_notifications_total", "Delivery attempts.", ["channel", "outcome"])
STREAM_WATCHERS = Gauge("griddispatch_stream_watchers", "Who watches the live stream of this process.")
STREAM_CHANGES = Counter("griddispatch_stream_changes_total", "Changes told to the live stream.")
EVALUATIONS = Counter("griddispatch_evaluations_total", "Follow-ups that ended.", ["outcome"])


def configure_logging(service: str) -> None:
    """Write one JSON line per log entry to stderr; called once, by __main__."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    line = '{"level":"%(levelname)s","logger":"%(name)s","event":"%(message)s"}'
    logging.basicConfig(level=logging.WARNING, format=line)


log = structlog.get_logger()
