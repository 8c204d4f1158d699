"""Every metric of the product, and how logs are written: JSON lines with bound fields."""

import logging
import sys
from typing import Final

import structlog
from prometheus_client import Counter, Gauge, Histogram

# Names: prefix griddispatch_, base units, _total for what only grows. Labels are short closed lists; never a ticket, a
# person, words or a raw path. Ages are on the product's own clock, as everything of its business is.

SHORT_S = (0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
BUSINESS_S = (0.1, 0.5, 1, 2, 5, 10, 60, 600, 3600, 14_400, 43_200, 86_400, 259_200, 604_800, 1_296_000)

# The messaging core.
EVENTS_APPLIED = Counter("griddispatch_events_applied_total", "Events applied, once each.", ["source"])
EVENTS_DUPLICATE = Counter("griddispatch_events_duplicate_total", "Events seen before and dropped.", ["source"])
EVENTS_PARKED = Counter("griddispatch_events_parked_total", "Events that came before their turn.", ["source"])
EVENTS_REPAIRED = Counter(
    "griddispatch_events_repaired_total", "Parked events applied once the gap before them was filled.", ["source"]
)
EVENTS_UNRECOGNISED = Counter("griddispatch_events_unrecognised_total", "Events of a type unknown here.", ["topic"])
EVENTS_PUBLISHED = Counter("griddispatch_events_published_total", "Events acknowledged by Kafka.", ["topic"])
EVENTS_RETOLD = Counter("griddispatch_events_retold_total", "Events told again because Kafka forgot them.", ["topic"])
LOGS_FORGOTTEN = Counter("griddispatch_logs_forgotten_total", "Times Kafka had forgotten what it held.", ["topic"])
PUBLISH_FAILURES = Counter("griddispatch_publish_failures_total", "Batches that Kafka did not take whole.", ["topic"])
RECORDS_DEAD = Counter("griddispatch_records_dead_total", "Records put in the dead-letter table.", ["topic"])
BATCH_RETRIES = Counter("griddispatch_batch_retries_total", "Batches tried again.", ["topic"])
BATCH_SECONDS = Histogram(
    "griddispatch_batch_seconds", "Time to apply one batch.", ["topic"], buckets=(0.005, 0.02, 0.05, 0.1, 0.5, 2, 10)
)
RECORD_AGE = Histogram(
    "griddispatch_record_age_seconds", "Age of a partition's first record when it was read.", ["topic"],
    buckets=(0.05, 0.1, 0.5, 1, 5, 30, 300, 3600),
)  # fmt: skip
CONSUMER_LAG = Gauge(
    "griddispatch_consumer_lag_records", "Records of a partition behind what was read.", ["group", "topic", "partition"]
)
STREAM_HALTED = Gauge("griddispatch_stream_halted", "1 when the stream stopped itself.", ["group"])
OUTBOX_EVENTS = Gauge("griddispatch_outbox_events", "Events not yet acknowledged by Kafka.")
OUTBOX_AGE = Gauge("griddispatch_outbox_age_seconds", "Age of the oldest unpublished event.")
PARKED_EVENTS = Gauge("griddispatch_parked_events", "Events waiting for the one before them.")
PARKED_AGE = Gauge("griddispatch_parked_age_seconds", "Age of the oldest parked event.")
DEAD_LETTERS = Gauge("griddispatch_dead_letters", "Dead letters that nobody has settled.")
RELAY_SHARDS = Gauge("griddispatch_relay_shards", "Relay shards this process leads.")

# The process.
BUILD_INFO = Gauge("griddispatch_build_info", "1, with the release that runs.", ["service", "release"])
POOL_CONNECTIONS = Gauge(
    "griddispatch_database_connections", "Connections of a pool: used, idle, and its limit.", ["pool", "state"]
)
LOOP_DELAY = Histogram(
    "griddispatch_event_loop_delay_seconds", "How late the event loop wakes who slept.", buckets=SHORT_S
)
TASKS = Gauge("griddispatch_tasks", "Tasks of the event loop that are not done.")
SAMPLED_AT = Gauge("griddispatch_sampled_timestamp_seconds", "When a sample was last taken.", ["sample"])
SAMPLES_FAILED = Counter("griddispatch_samples_failed_total", "Samples that could not be taken.", ["sample"])
HTTP_SECONDS = Histogram(
    "griddispatch_http_request_seconds", "Time to answer, to the answer's last byte.", ["method", "route"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)  # fmt: skip
HTTP_REQUESTS = Counter("griddispatch_http_requests_total", "Requests answered.", ["method", "route", "code"])

# Intake.
TICKETS_ACCEPTED = Counter("griddispatch_tickets_accepted_total", "Matters accepted durably.", ["door"])
TICKETS_REPLAYED = Counter("griddispatch_tickets_replayed_total", "Repeats answered from the first time.", ["door"])
REPORTS_REJECTED = Counter("griddispatch_reports_rejected_total", "Reports refused as wrong.", ["door"])
TICKETS_TRIAGED = Counter("griddispatch_tickets_triaged_total", "Matters triaged.", ["ticket_type", "urgency"])
UNTRIAGED = Gauge("griddispatch_tickets_untriaged", "Matters received and not yet triaged.")
UNTRIAGED_AGE = Gauge("griddispatch_tickets_untriaged_age_seconds", "Age of the oldest untriaged matter.")
LEADS_SUSPECTED = Gauge("griddispatch_leads_suspected", "Suspected leads that nobody has judged.")
LEADS_SUSPECTED_AGE = Gauge("griddispatch_leads_suspected_age_seconds", "Age of the oldest suspected lead.")
MERGES_SUGGESTED = Gauge("griddispatch_merges_suggested", "Suggested merges that nobody has decided.")

# Dispatch.
TICKETS_ASSIGNED = Counter("griddispatch_tickets_assigned_total", "Lead assignments made.", ["size"])
TICKETS_DISPATCHED_LATE = Counter(
    "griddispatch_tickets_dispatched_late_total", "Tickets that waited too long for their first unit.", ["urgency"]
)
TICKETS_ESCALATED = Counter("griddispatch_tickets_escalated_total", "Escalations, by level.", ["level"])
TICKETS_CLOSED = Counter("griddispatch_tickets_closed_total", "Tickets closed.", ["reason"])
TICKETS_REOPENED = Counter("griddispatch_tickets_reopened_total", "Tickets reopened.")
LIGHTS_CHANGED = Counter("griddispatch_lights_changed_total", "Lights that turned, by what they turned to.", ["light"])
MILESTONE_SECONDS = Histogram(
    "griddispatch_ticket_milestone_seconds", "From acceptance to a milestone, each time it is reached.", ["milestone"],
    buckets=BUSINESS_S,
)  # fmt: skip
TICKETS_OPEN = Gauge("griddispatch_tickets_open", "Open tickets by state and light.", ["state", "light"])
TICKETS_UNASSIGNED = Gauge("griddispatch_tickets_unassigned", "Open tickets that no unit has.")
TICKETS_UNASSIGNED_AGE = Gauge("griddispatch_tickets_unassigned_age_seconds", "Age of the oldest of them.")
TICKETS_UNWATCHED = Gauge("griddispatch_tickets_unwatched", "Open tickets without a running clock; must be none.")
ASSIGNMENTS_UNSIGNED = Gauge("griddispatch_assignments_unsigned", "Assignments that wait for a unit to sign.")
ASSIGNMENTS_UNSIGNED_AGE = Gauge("griddispatch_assignments_unsigned_age_seconds", "Age of the oldest of them.")
WHISTLE_ALARMS = Gauge(
    "griddispatch_whistle_alarms", "Townships that blew the whistle too rarely or too often last month.", ["reason"]
)
UNIT_OPEN = Gauge("griddispatch_unit_assignments_open", "A unit's open assignments; the busiest units.", ["unit"])
UNIT_OVERDUE = Gauge("griddispatch_unit_assignments_overdue", "Those of them past their deadline.", ["unit"])
TIMERS_FIRED = Counter("griddispatch_timers_fired_total", "Timers fired.", ["clock"])
TIMER_LATENESS = Histogram(
    "griddispatch_timer_lateness_seconds", "How late timers fire.", buckets=(0.1, 0.5, 1, 2, 5, 30, 300)
)
TIMERS_MENDED = Counter("griddispatch_timers_mended_total", "Clocks that were lost or out of step, mended: stays 0.")
TICKETS_FAULTY = Counter(
    "griddispatch_tickets_faulty_total", "Tickets that could not be decided on by a loop, each time.", ["loop"]
)
DEADLINES_RECOUNTED = Counter(
    "griddispatch_deadlines_recounted_total", "Open deadlines moved because a holiday notice came late."
)
AUDITED_AT = Gauge("griddispatch_auditor_last_look_timestamp_seconds", "When the auditor of the clocks last looked.")
CLOCK_STEPS = Counter(
    "griddispatch_clock_steps_total", "Jumps of this machine's clock; no timer fires until it is sure."
)
STREAM_WATCHERS = Gauge("griddispatch_stream_watchers", "Who watches the live stream of this process.")
STREAM_CHANGES = Counter("griddispatch_stream_changes_total", "Changes told to the live stream.")
TIMERS_LATE = Gauge("griddispatch_timers_late", "Timers that are due and have not fired.")
TIMERS_LATE_AGE = Gauge("griddispatch_timers_late_age_seconds", "How late the latest of them is.")
CALENDAR_UNTIL = Gauge(
    "griddispatch_calendar_covered_until_timestamp_seconds", "The end of the last year whose holidays are known."
)

# Notify.
NOTIFICATIONS = Counter("griddispatch_notifications_total", "Delivery attempts.", ["channel", "outcome"])
FIRST_ATTEMPT_DELAY = Histogram(
    "griddispatch_first_attempt_delay_seconds", "From when a message was due to its first attempt.",
    buckets=(0.1, 0.5, 1, 2, 5, 10, 60, 600, 3600),
)  # fmt: skip
ENDPOINTS_LEFT_ALONE = Gauge("griddispatch_endpoints_left_alone", "Endpoints that are given time to recover.")
MESSAGES_WAITING = Gauge("griddispatch_messages_waiting", "Messages that are due and have not been delivered.")
MESSAGES_WAITING_AGE = Gauge("griddispatch_messages_waiting_age_seconds", "How long the oldest of them is due.")
EVALUATIONS = Counter("griddispatch_evaluations_total", "Follow-ups that ended.", ["outcome"])
FOLLOW_UPS_OPEN = Gauge("griddispatch_follow_ups_open", "Follow-ups under way.")
FOLLOW_UPS_LATE = Gauge("griddispatch_follow_ups_late", "Follow-ups whose next step is due and was not taken.")
FOLLOW_UPS_LATE_AGE = Gauge("griddispatch_follow_ups_late_age_seconds", "How late the latest of them is.")
TASKS_OPEN = Gauge("griddispatch_follow_up_tasks_open", "Calls and visits that wait for somebody.")
RATE = Gauge(
    "griddispatch_rate_ratio", "This month's response, solution and satisfaction, 0 to 1.", ["rate", "township"]
)
RATE_SAMPLE = Gauge("griddispatch_rate_follow_ups", "The valid follow-ups this month's rates rest on.", ["township"])

OF_ONE_COPY: Final = (
    CONSUMER_LAG, STREAM_HALTED, RELAY_SHARDS, BUILD_INFO, POOL_CONNECTIONS, TASKS, SAMPLED_AT, AUDITED_AT,
    STREAM_WATCHERS, ENDPOINTS_LEFT_ALONE,
)  # fmt: skip
"""Gauges in which each process tells of itself. Every other one tells of the database, and all copies tell the same of
it: such are put together by max, never by sum; what is counted or timed is each process's own, and summed."""


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
