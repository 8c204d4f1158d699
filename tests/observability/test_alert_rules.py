"""Every alert fires when its promise is in danger, and is silent when it is not: both are shown to Prometheus itself."""

import runpy
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.observability.rules import PROMETHEUS, RULE_FILES, alerts, load, promtool

MINUTES = 60 * 8
POSTS = 'griddispatch_http_requests_total{job="intake",method="POST",route="/v1/tickets",code="%s"}'


@dataclass(frozen=True)
class Case:
    """What an alert is fired by, and what leaves it silent: series by minute, in promtool's own notation."""

    alert: str
    fires: dict[str, str]
    silent: dict[str, str]
    after: str = "30m"
    severities: frozenset[str] = field(default=frozenset())


def steady(value: float) -> str:
    """The same value at every minute."""
    return f"{value}x{MINUTES}"


def grows(by: float) -> str:
    """A counter that grows by so much a minute."""
    return f"0+{by}x{MINUTES}"


def gauge(series: str, bad: float, good: float) -> tuple[dict[str, str], dict[str, str]]:
    return {series: steady(bad)}, {series: steady(good)}


def late(histogram: str, labels: str, bound: str, share: float) -> dict[str, str]:
    """A thousand a minute, of which a share comes later than the bound."""
    comma = "," if labels else ""
    return {
        f"{histogram}_count{{{labels}}}": grows(1000),
        f'{histogram}_bucket{{{labels}{comma}le="{bound}"}}': grows(1000 * (1 - share)),
    }


def posts(broken_share: float) -> dict[str, str]:
    return {POSTS % 201: grows(1000 * (1 - broken_share)), POSTS % 503: grows(1000 * broken_share)}


UP = {f'up{{job="{job}"}}': steady(1) for job in ("intake", "dispatch", "notify")}
BOTH = frozenset({"page", "ticket"})
LATE_5 = ("griddispatch_ticket_milestone_seconds", 'milestone="assigned"', "5.0")
RUNG_5 = ("griddispatch_timer_lateness_seconds", "", "5.0")
TRIED_10 = ("griddispatch_first_attempt_delay_seconds", "", "10.0")

CASES = [
    Case("ServiceDown", {'up{job="notify",instance="a"}': steady(0)}, {'up{job="notify",instance="a"}': steady(1)}),
    Case("ServiceMissing", {'up{job="intake"}': steady(1), 'up{job="notify"}': steady(1)}, UP),
    Case(
        "SamplingStale",
        {'griddispatch_sampled_timestamp_seconds{job="dispatch",sample="timers"}': steady(0)},
        {'griddispatch_sampled_timestamp_seconds{job="dispatch",sample="timers"}': grows(60)},
    ),
    Case("SeriesTooMany", *gauge('scrape_samples_scraped{job="dispatch"}', 8100, 900)),
    Case(
        "EventLoopSlow",
        {'griddispatch_event_loop_delay_seconds_bucket{job="intake",le="0.5"}': grows(0), 'griddispatch_event_loop_delay_seconds_bucket{job="intake",le="1.0"}': grows(60), 'griddispatch_event_loop_delay_seconds_bucket{job="intake",le="+Inf"}': grows(60)},
        {'griddispatch_event_loop_delay_seconds_bucket{job="intake",le="0.5"}': grows(60), 'griddispatch_event_loop_delay_seconds_bucket{job="intake",le="1.0"}': grows(60), 'griddispatch_event_loop_delay_seconds_bucket{job="intake",le="+Inf"}': grows(60)},
    ),
    Case(
        "PoolExhausted",
        {'griddispatch_database_connections{job="intake",instance="a",pool="api",state="used"}': steady(10), 'griddispatch_database_connections{job="intake",instance="a",pool="api",state="limit"}': steady(10)},
        {'griddispatch_database_connections{job="intake",instance="a",pool="api",state="used"}': steady(9), 'griddispatch_database_connections{job="intake",instance="a",pool="api",state="limit"}': steady(10)},
    ),
    Case("StreamHalted", *gauge('griddispatch_stream_halted{job="dispatch",group="dispatch-stream"}', 1, 0)),
    Case("RecordsDead", *gauge('griddispatch_dead_letters{job="notify"}', 1, 0)),
    Case("EventsParked", *gauge('griddispatch_parked_age_seconds{job="dispatch"}', 61, 5)),
    Case("OutboxStuck", *gauge('griddispatch_outbox_age_seconds{job="intake"}', 31, 1)),
    Case(
        "NobodyPublishes",
        {'griddispatch_relay_shards{job="intake",instance="a"}': steady(0), 'griddispatch_relay_shards{job="intake",instance="b"}': steady(0)},
        {'griddispatch_relay_shards{job="intake",instance="a"}': steady(0), 'griddispatch_relay_shards{job="intake",instance="b"}': steady(1)},
    ),
    Case(
        "ConsumerLags",
        {f'griddispatch_consumer_lag_records{{job="dispatch",group="g",topic="u",partition="{p}"}}': steady(2600) for p in (0, 1)},
        {f'griddispatch_consumer_lag_records{{job="dispatch",group="g",topic="u",partition="{p}"}}': steady(600) for p in (0, 1)} | {'griddispatch_batch_seconds_count{job="dispatch",topic="u"}': grows(2)},
    ),
    Case(
        "ConsumerStalls",
        {'griddispatch_consumer_lag_records{job="dispatch",group="g",topic="t",partition="0"}': steady(3)},
        {'griddispatch_consumer_lag_records{job="dispatch",group="g",topic="t",partition="0"}': steady(3), 'griddispatch_batch_seconds_count{job="dispatch",topic="t"}': grows(2)},
    ),
    Case(
        "DuplicatesSurge",
        {'griddispatch_events_duplicate_total{job="notify",source="dispatch"}': grows(300), 'griddispatch_events_applied_total{job="notify",source="dispatch"}': grows(600)},
        {'griddispatch_events_duplicate_total{job="notify",source="dispatch"}': grows(3), 'griddispatch_events_applied_total{job="notify",source="dispatch"}': grows(600)},
        "60m",
    ),
    Case("TriageWaits", *gauge('griddispatch_tickets_untriaged_age_seconds{job="intake"}', 61, 2)),
    Case("TicketsUnassigned", *gauge('griddispatch_tickets_unassigned_age_seconds{job="dispatch"}', 901, 0)),
    Case("DispatchedLate", {'griddispatch_tickets_dispatched_late_total{job="dispatch",urgency="U3"}': grows(1)}, {'griddispatch_tickets_dispatched_late_total{job="dispatch",urgency="U3"}': steady(0)}),
    Case("WhistleSharesOff", *gauge('griddispatch_whistle_alarms{job="dispatch",reason="TOO_FEW"}', 2, 0)),
    Case("AssignmentsUnsigned", *gauge('griddispatch_assignments_unsigned_age_seconds{job="dispatch"}', 172801, 86400), after="60m"),
    Case("LeadsWait", *gauge('griddispatch_leads_suspected_age_seconds{job="intake"}', 14401, 600)),
    Case("TimersLate", *gauge('griddispatch_timers_late_age_seconds{job="dispatch"}', 61, 1)),
    Case("TicketWithoutClock", *gauge('griddispatch_tickets_unwatched{job="dispatch"}', 1, 0)),
    Case("ClocksMended", {'griddispatch_timers_mended_total{job="dispatch"}': grows(1)}, {'griddispatch_timers_mended_total{job="dispatch"}': steady(0)}),
    Case("AuditorSilent", {'griddispatch_auditor_last_look_timestamp_seconds{job="dispatch"}': steady(0)}, {'griddispatch_auditor_last_look_timestamp_seconds{job="dispatch"}': grows(60)}),
    Case("TicketsFaulty", {'griddispatch_tickets_faulty_total{job="dispatch",loop="timers"}': grows(1)}, {'griddispatch_tickets_faulty_total{job="dispatch",loop="timers"}': steady(0)}),
    Case("CalendarEnds", *gauge('griddispatch_calendar_covered_until_timestamp_seconds{job="dispatch"}', 44 * 86400, 60 * 86400), after="90m"),
    Case("MessagesWait", *gauge('griddispatch_messages_waiting_age_seconds{job="notify"}', 901, 20)),
    Case(
        "DeliveriesFail",
        {'griddispatch_notifications_total{job="notify",channel="sms",outcome="delivered"}': grows(60), 'griddispatch_notifications_total{job="notify",channel="sms",outcome="failed"}': grows(60)},
        {'griddispatch_notifications_total{job="notify",channel="sms",outcome="delivered"}': grows(60), 'griddispatch_notifications_total{job="notify",channel="sms",outcome="failed"}': grows(3)},
        "60m",
    ),
    Case("EndpointsLeftAlone", *gauge('griddispatch_endpoints_left_alone{job="notify"}', 1, 0), after="45m"),
    Case("FollowUpsLate", *gauge('griddispatch_follow_ups_late_age_seconds{job="notify"}', 3700, 60)),
    Case("AcceptanceBudgetBurns", posts(0.01), posts(0.0001), "7h", BOTH),
    Case("AssignmentBudgetBurns", late(*LATE_5, 0.02), late(*LATE_5, 0.0005), "7h", BOTH),
    Case("EscalationBudgetBurns", late(*RUNG_5, 0.002), late(*RUNG_5, 0.00005), "7h", BOTH),
    Case("NotificationBudgetBurns", late(*TRIED_10, 0.02), late(*TRIED_10, 0.0005), "7h", BOTH),
]  # fmt: skip


def test_every_alert_has_its_case() -> None:
    shown = {case.alert for case in CASES} | {"DeadMansSwitch"}
    assert shown == {alert.name for alert in alerts()}


def found(case: Case, *, firing: bool) -> dict[str, object]:
    """A look at the alert's own series: one for every severity when it fires, none when it is silent."""
    severities = sorted(case.severities or {next(r for r in alerts() if r.name == case.alert).labels["severity"]})
    samples = [{"labels": f'{{alertname="{case.alert}", severity="{s}"}}', "value": 1} for s in severities]
    query = f'max by (alertname, severity) (ALERTS{{alertname="{case.alert}", alertstate="firing"}})'
    return {"expr": query, "eval_time": case.after, "exp_samples": samples if firing else []}


def world(series: dict[str, str], checks: list[dict[str, object]]) -> dict[str, object]:
    """One course of things, and what is to be seen in it."""
    given = [{"series": name, "values": values} for name, values in series.items()]
    labels = {"runbooks": "docs/runbooks"}
    return {"interval": "1m", "external_labels": labels, "input_series": given, "promql_expr_test": checks}


def document(folder: Path, cases: list[Case]) -> Path:
    """One world in which everything goes wrong, and one in which nothing does, as promtool reads them."""
    bad = {name: values for case in cases for name, values in case.fires.items()}
    good = {name: values for case in cases for name, values in case.silent.items()}
    tests = [
        world(bad, [found(case, firing=True) for case in cases]),
        world(good, [found(case, firing=False) for case in cases]),
    ]
    path = folder / "tests.yml"
    names = {case.alert for case in cases}
    files = [
        str(PROMETHEUS / f)
        for f in RULE_FILES
        if names & {r.get("alert") for g in load(f)["groups"] for r in g["rules"]}
    ]
    path.write_text(yaml.safe_dump({"rule_files": files, "tests": tests}))
    return path


@pytest.mark.parametrize("burns", [False, True], ids=["alerts", "objectives"])
def test_every_alert_fires_and_stays_silent(tmp_path: Path, burns: bool) -> None:
    cases = [case for case in CASES if bool(case.severities) == burns]
    assert "SUCCESS" in promtool("test", "rules", document(tmp_path, cases))


def test_a_case_that_is_wrong_would_be_noticed(tmp_path: Path) -> None:
    promtool("--version")
    upside_down = [Case(c.alert, c.silent, c.fires, c.after) for c in CASES[:1]]
    with pytest.raises(AssertionError, match="FAILED"):
        promtool("test", "rules", document(tmp_path, upside_down))


def test_the_dead_mans_switch_never_falls_silent(tmp_path: Path) -> None:
    check = {
        "eval_time": "1m",
        "alertname": "DeadMansSwitch",
        "exp_alerts": [
            {
                "exp_labels": {"severity": "heartbeat"},
                "exp_annotations": {
                    "summary": "Always firing: silence means that the alerting itself is broken.",
                    "summary_zh": "告警链路心跳",
                    "runbook_url": "docs/runbooks/DeadMansSwitch.md",
                },
            }
        ],
    }
    test = {"interval": "1m", "external_labels": {"runbooks": "docs/runbooks"}, "alert_rule_test": [check]}
    path = tmp_path / "tests.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(PROMETHEUS / "alerts.yml")], "tests": [test]}))
    assert "SUCCESS" in promtool("test", "rules", path)


def test_the_configuration_is_what_prometheus_takes() -> None:
    assert "SUCCESS" in promtool("check", "config", "--lint=all", PROMETHEUS / "prometheus.yml")


def test_the_objectives_file_is_what_its_script_writes() -> None:
    script = runpy.run_path(str(PROMETHEUS / "make_slo.py"))
    assert (PROMETHEUS / "slo.yml").read_text(encoding="utf-8") == script["render"]()
