"""For each alert what provokes it: a test in which the product itself drives the alert's own metric where it must not be.

That the rule then fires is shown to Prometheus in `test_alert_rules.py`; here, that what it looks at really moves.
"""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.observability.rules import alerts, rules

ROOT = Path(__file__).parent.parent.parent


class Proof(NamedTuple):
    """Where an alert is provoked: file and test, and what the test looks at to see it."""

    file: str
    test: str
    seen: str


HERE = "tests/observability/test_alerts_in_life.py"
SAMPLES = "tests/observability/test_samples.py"
SAMPLING = "tests/observability/test_sampling.py"
LIVE = "tests/observability/test_live.py"

PROVOKED = {
    "DeadMansSwitch": Proof("tests/observability/test_alert_rules.py", "test_the_dead_mans_switch_never_falls_silent", "DeadMansSwitch"),
    "ServiceDown": Proof(LIVE, "check_absences", "ServiceDown"),
    "ServiceMissing": Proof(LIVE, "check_absences", "ServiceMissing"),
    "SamplingStale": Proof(SAMPLING, "test_a_sample_that_fails_is_counted_and_holds_up_nothing", "griddispatch_sampled_timestamp_seconds"),
    "SeriesTooMany": Proof(HERE, "test_too_many_series_show_in_the_scrape", "8000"),
    "EventLoopSlow": Proof(HERE, "test_a_blocked_event_loop_shows_in_its_delay", "griddispatch_event_loop_delay_seconds"),
    "PoolExhausted": Proof(HERE, "test_a_pool_whose_every_connection_is_taken_shows_as_full", "griddispatch_database_connections"),
    "StreamHalted": Proof("tests/contract/test_messaging.py", "test_too_many_dead_in_a_row_stop_the_stream_and_readiness", "griddispatch_stream_halted"),
    "RecordsDead": Proof(SAMPLING, "test_the_messaging_core_tells_what_waits_and_since_when", "griddispatch_dead_letters"),
    "EventsParked": Proof(SAMPLING, "test_the_messaging_core_tells_what_waits_and_since_when", "griddispatch_parked_age_seconds"),
    "OutboxStuck": Proof(SAMPLING, "test_the_messaging_core_tells_what_waits_and_since_when", "griddispatch_outbox_age_seconds"),
    "NobodyPublishes": Proof(HERE, "test_a_relay_that_leads_nothing_says_so", "griddispatch_relay_shards"),
    "ConsumerLags": Proof(SAMPLING, "test_partitions_that_went_elsewhere_are_not_shown_any_more", "griddispatch_consumer_lag_records"),
    "ConsumerStalls": Proof(SAMPLING, "test_partitions_that_went_elsewhere_are_not_shown_any_more", "griddispatch_consumer_lag_records"),
    "DuplicatesSurge": Proof("tests/contract/test_messaging.py", "test_repeats_change_nothing_and_a_shuffled_story_is_put_in_order", "griddispatch_events_duplicate_total"),
    "TriageWaits": Proof(SAMPLES, "test_intake_tells_how_long_a_matter_waits_for_triage", "griddispatch_tickets_untriaged_age_seconds"),
    "TicketsUnassigned": Proof(SAMPLES, "test_dispatch_tells_of_tickets_that_nobody_has_or_watches", "griddispatch_tickets_unassigned_age_seconds"),
    "DispatchedLate": Proof(SAMPLES, "test_a_ticket_that_waited_too_long_for_its_first_unit_is_counted", "griddispatch_tickets_dispatched_late_total"),
    "WhistleSharesOff": Proof(SAMPLES, "test_a_township_that_calls_nobody_is_told_of_once_its_month_is_over", "griddispatch_whistle_alarms"),
    "AssignmentsUnsigned": Proof(SAMPLES, "test_dispatch_tells_what_is_open_at_whose_place_and_what_is_unsigned", "griddispatch_assignments_unsigned_age_seconds"),
    "LeadsWait": Proof(HERE, "test_a_lead_that_nobody_judges_grows_old", "griddispatch_leads_suspected_age_seconds"),
    "TimersLate": Proof(SAMPLES, "test_dispatch_tells_how_late_its_clocks_are", "griddispatch_timers_late_age_seconds"),
    "TicketWithoutClock": Proof(SAMPLES, "test_dispatch_tells_of_tickets_that_nobody_has_or_watches", "griddispatch_tickets_unwatched"),
    "ClocksMended": Proof("tests/services/dispatch/test_timers.py", "test_clocks_out_of_step_are_mended_and_hold_up_nobody", "griddispatch_timers_mended_total"),
    "AuditorSilent": Proof("tests/services/dispatch/test_auditor.py", "test_an_auditor_that_looked_says_when_and_one_that_cannot_look_falls_silent", "griddispatch_auditor_last_look_timestamp_seconds"),
    "TicketsFaulty": Proof("tests/services/dispatch/test_auditor.py", "test_a_ticket_that_cannot_be_mended_holds_up_no_other", "counted("),
    "CalendarEnds": Proof(SAMPLES, "test_the_calendar_tells_how_far_it_reaches", "griddispatch_calendar_covered_until_timestamp_seconds"),
    "MessagesWait": Proof(SAMPLES, "test_notify_tells_what_waits_to_be_delivered_and_asked", "griddispatch_messages_waiting_age_seconds"),
    "DeliveriesFail": Proof("tests/services/notify/test_notify_courier.py", "test_a_failed_attempt_comes_again_by_the_schedule_with_the_same_id", "griddispatch_notifications_total"),
    "EndpointsLeftAlone": Proof(HERE, "test_an_endpoint_that_fails_again_and_again_is_left_alone", "griddispatch_endpoints_left_alone"),
    "FollowUpsLate": Proof(SAMPLES, "test_notify_tells_what_waits_to_be_delivered_and_asked", "griddispatch_follow_ups_late_age_seconds"),
    "AcceptanceBudgetBurns": Proof("tests/observability/test_http_meter.py", "test_a_fault_of_ours_counts_as_500", "griddispatch_http_requests_total"),
    "AssignmentBudgetBurns": Proof(SAMPLES, "test_an_assignment_that_comes_late_is_not_among_those_within_five_seconds", "griddispatch_ticket_milestone_seconds"),
    "EscalationBudgetBurns": Proof(HERE, "test_a_clock_that_rings_late_counts_as_late", "griddispatch_timer_lateness_seconds"),
    "NotificationBudgetBurns": Proof(HERE, "test_a_first_attempt_that_comes_late_counts_as_late", "griddispatch_first_attempt_delay_seconds"),
}  # fmt: skip


def test_every_alert_is_provoked_somewhere() -> None:
    assert PROVOKED.keys() == {alert.name for alert in alerts()}


@cache
def functions_of(file: str) -> dict[str, str]:
    """The source of every function of a file, by its name."""
    text = (ROOT / file).read_text(encoding="utf-8")
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [node for node in ast.parse(text).body if isinstance(node, kinds)]
    return {node.name: ast.get_source_segment(text, node) or "" for node in found}


def looked_at(alert: str) -> str:
    """What an alert asks, with what the rules record that it asks of."""
    asked = " ".join(rule.expr for rule in alerts() if rule.name == alert)
    return asked + " ".join(rule.expr for rule in rules() if not rule.is_alert and rule.name in asked)


@pytest.mark.parametrize("alert", PROVOKED)
def test_what_provokes_it_is_there_and_looks_at_it(alert: str) -> None:
    proof = PROVOKED[alert]
    assert proof.seen in functions_of(proof.file)[proof.test]
    assert not proof.seen.startswith("griddispatch_") or proof.seen in looked_at(alert)
