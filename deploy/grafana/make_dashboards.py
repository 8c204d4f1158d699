"""Writes the dashboards: six pages of panels, each a title, a unit and its queries.

Usage, from anywhere:

    python deploy/grafana/make_dashboards.py

It writes dashboards/*.json beside this file; a test compares the committed files with a fresh run, and every query with
the metrics that the services declare. Gauges that tell of a database are the same from every copy: `max`, never `sum`.
Behind quantiles the traces show that were measured, where tracing is on (Grafana's exemplars).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROMETHEUS = {"type": "prometheus", "uid": "prometheus"}
WIDTH, HEIGHT, COLUMNS = 8, 8, 24
Query = tuple[str, str]
"""PromQL, and the legend."""


@dataclass(frozen=True)
class Panel:
    """One picture. `unit` is Grafana's name of it; `kind` is timeseries, stat or bargauge; `limit` turns it red."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    limit: float | None = None


def line(title: str, unit: str, *queries: Query, limit: float | None = None) -> Panel:
    """A course over time."""
    return Panel(title, unit, queries, "timeseries", limit)


def number(title: str, unit: str, expr: str, limit: float | None = None) -> Panel:
    """One figure, now."""
    return Panel(title, unit, ((expr, ""),), "stat", limit)


def ranking(title: str, unit: str, expr: str, legend: str) -> Panel:
    """Bars, the longest first."""
    return Panel(title, unit, ((expr, legend),), "bargauge")


def quantiles(histogram: str, labels: str = "", by: str = "") -> tuple[Query, ...]:
    """The median and the 99th percentile."""
    of = f"sum by (le{', ' + by if by else ''}) (rate({histogram}_bucket{labels}[$__rate_interval]))"
    legend = f" {{{{{by}}}}}" if by else ""
    return tuple((f"histogram_quantile({q}, {of})", f"p{round(q * 100)}{legend}") for q in (0.5, 0.99))


def per_second(counter: str, by: str, labels: str = "") -> Query:
    """How often, by one label."""
    return f"sum by ({by}) (rate({counter}{labels}[$__rate_interval]))", f"{{{{{by}}}}}"


def oldest(gauge: str, legend: str) -> Query:
    """The greatest age any copy tells."""
    return f"max({gauge})", legend


DASHBOARDS: dict[str, tuple[str, tuple[Panel, ...]]] = {
    "overview": ("总览 Overview", (
        number("服务在线 copies up", "short", 'sum(up{job=~"intake|dispatch|notify"})'),
        number("在办工单 open tickets", "short", "sum(max by (state, light) (griddispatch_tickets_open))"),
        number("红灯 red lights", "short", 'sum(max by (state, light) (griddispatch_tickets_open{light="RED"})) or vector(0)'),
        line("受理与派单 accepted and assigned", "ops", ("sum(rate(griddispatch_tickets_accepted_total[$__rate_interval]))", "accepted"), ("sum(rate(griddispatch_tickets_assigned_total[$__rate_interval]))", "assigned"), ("sum(rate(griddispatch_tickets_closed_total[$__rate_interval]))", "closed")),
        line("最久等待 oldest that waits", "s", oldest("griddispatch_tickets_untriaged_age_seconds", "untriaged"), oldest("griddispatch_tickets_unassigned_age_seconds", "unassigned"), oldest("griddispatch_assignments_unsigned_age_seconds", "unsigned"), oldest("griddispatch_messages_waiting_age_seconds", "undelivered"), oldest("griddispatch_outbox_age_seconds", "unpublished")),
        line("三率 three rates", "percentunit", ('max by (rate) (griddispatch_rate_ratio{township="all"})', "{{rate}}")),
        line("受理失败 acceptance errors", "percentunit", ("griddispatch_accept:error_ratio:rate5m", "5m"), ("griddispatch_accept:error_ratio:rate1h", "1h"), limit=0.0005),
        line("派单超 5 秒 assigned later than 5 s", "percentunit", ("griddispatch_assign:error_ratio:rate5m", "5m"), ("griddispatch_assign:error_ratio:rate1h", "1h"), limit=0.001),
        line("督办延迟 clocks later than 5 s", "percentunit", ("griddispatch_escalation:error_ratio:rate5m", "5m"), ("griddispatch_escalation:error_ratio:rate1h", "1h"), limit=0.0001),
    )),
    "intake": ("受理 Intake", (
        line("各入口受理 accepted by door", "ops", per_second("griddispatch_tickets_accepted_total", "door")),
        line("重复提交 answered from the first time", "ops", per_second("griddispatch_tickets_replayed_total", "door")),
        line("拒收 refused", "ops", per_second("griddispatch_reports_rejected_total", "door")),
        line("受理耗时 time to accept", "s", *quantiles("griddispatch_http_request_seconds", '{job="intake", method="POST", route="/v1/tickets"}')),
        line("应答码 answers by code", "reqps", per_second("griddispatch_http_requests_total", "code", '{job="intake"}')),
        line("待分拨 untriaged", "short", ("max(griddispatch_tickets_untriaged)", "matters"), limit=1000),
        line("待分拨时长 age of the oldest", "s", oldest("griddispatch_tickets_untriaged_age_seconds", "untriaged"), limit=60),
        line("分拨 triaged by urgency", "ops", per_second("griddispatch_tickets_triaged_total", "urgency")),
        line("分拨类型 triaged by type", "ops", per_second("griddispatch_tickets_triaged_total", "ticket_type")),
        number("疑似线索 suspected leads", "short", "max(griddispatch_leads_suspected)", 1),
        number("待定合并 suggested merges", "short", "max(griddispatch_merges_suggested)"),
        line("线索等待 oldest lead", "s", oldest("griddispatch_leads_suspected_age_seconds", "lead"), limit=14400),
    )),
    "dispatch": ("派单督办 Dispatch", (
        line("在办按灯 open by light", "short", ("sum by (light) (max by (state, light) (griddispatch_tickets_open))", "{{light}}")),
        line("在办按状态 open by state", "short", ("sum by (state) (max by (state, light) (griddispatch_tickets_open))", "{{state}}")),
        line("派单 assigned by size", "ops", per_second("griddispatch_tickets_assigned_total", "size")),
        line("到达节点 median time to a milestone", "s", ("histogram_quantile(0.5, sum by (le, milestone) (rate(griddispatch_ticket_milestone_seconds_bucket[$__rate_interval])))", "{{milestone}}")),
        line("未派与未签 unassigned, unsigned", "short", ("max(griddispatch_tickets_unassigned)", "unassigned"), ("max(griddispatch_assignments_unsigned)", "unsigned"), ("sum(increase(griddispatch_tickets_dispatched_late_total[$__rate_interval]))", "dispatched late")),
        line("升级督办 escalations by level", "ops", per_second("griddispatch_tickets_escalated_total", "level")),
        line("亮灯 lights that turned", "ops", per_second("griddispatch_lights_changed_total", "light")),
        line("时钟触发 timers by clock", "ops", per_second("griddispatch_timers_fired_total", "clock")),
        line("时钟延迟 lateness of timers", "s", *quantiles("griddispatch_timer_lateness_seconds"), limit=5),
        line("迟到时钟 timers late now", "short", ("max(griddispatch_timers_late)", "timers"), ("max(griddispatch_timers_late_age_seconds)", "seconds"), limit=60),
        number("无时钟工单 tickets without a clock", "short", "max(griddispatch_tickets_unwatched)", 1),
        line("办结与重办 closed by reason, reopened", "ops", per_second("griddispatch_tickets_closed_total", "reason"), ("sum(rate(griddispatch_tickets_reopened_total[$__rate_interval]))", "reopened")),
        line("时钟审计 clocks mended, machine clock jumps", "short", ("sum(increase(griddispatch_timers_mended_total[$__rate_interval]))", "mended"), ("sum by (loop) (increase(griddispatch_tickets_faulty_total[$__rate_interval]))", "{{loop}} faulty"), ("sum(increase(griddispatch_deadlines_recounted_total[$__rate_interval]))", "recounted"), ("sum by (job) (increase(griddispatch_clock_steps_total[$__rate_interval]))", "{{job}} jumps"), limit=1),
        line("审计时刻 since the auditor looked", "s", ("time() - max(griddispatch_auditor_last_look_timestamp_seconds)", "auditor"), limit=600),
        line("实时看板 live stream", "short", ("sum(griddispatch_stream_watchers)", "watchers"), ("sum(rate(griddispatch_stream_changes_total[$__rate_interval]))", "changes a second")),
        line("吹哨占比异常 townships whose whistles are off", "short", ("max by (reason) (griddispatch_whistle_alarms)", "{{reason}}")),
        number("日历余期 calendar left", "s", "min(griddispatch_calendar_covered_until_timestamp_seconds) - time()"),
    )),
    "notify": ("通知回访 Notify", (
        line("发送结果 attempts by outcome", "ops", per_second("griddispatch_notifications_total", "outcome")),
        line("发送渠道 attempts by channel", "ops", per_second("griddispatch_notifications_total", "channel")),
        line("首次发送 delay of the first attempt", "s", *quantiles("griddispatch_first_attempt_delay_seconds"), limit=10),
        line("待发 waiting messages", "short", ("max(griddispatch_messages_waiting)", "messages"), ("max(griddispatch_endpoints_left_alone)", "receivers left alone")),
        line("待发时长 oldest message", "s", oldest("griddispatch_messages_waiting_age_seconds", "message"), limit=900),
        line("回访结果 follow-ups that ended", "ops", per_second("griddispatch_evaluations_total", "outcome")),
        line("回访积压 follow-ups", "short", ("max(griddispatch_follow_ups_open)", "open"), ("max(griddispatch_follow_ups_late)", "late"), ("max(griddispatch_follow_up_tasks_open)", "calls and visits")),
        line("回访延误 latest follow-up", "s", oldest("griddispatch_follow_ups_late_age_seconds", "follow-up"), limit=3600),
        line("三率 three rates", "percentunit", ('max by (rate) (griddispatch_rate_ratio{township="all"})', "{{rate}}")),
    )),
    "kafka-postgres": ("消息与数据库 Kafka and PostgreSQL", (
        line("未发布 unpublished events", "short", ("max by (job) (griddispatch_outbox_events)", "{{job}}")),
        line("未发布时长 oldest unpublished", "s", ("max by (job) (griddispatch_outbox_age_seconds)", "{{job}}"), limit=30),
        line("消费积压 lag by group", "short", ("sum by (group) (griddispatch_consumer_lag_records)", "{{group}}"), limit=5000),
        line("分区积压 lag by partition", "short", ("max by (group, topic, partition) (griddispatch_consumer_lag_records) > 0", "{{group}} {{topic}}/{{partition}}")),
        line("读时记录龄 age of records when read", "s", *quantiles("griddispatch_record_age_seconds", by="topic")),
        line("批次耗时 time of a batch", "s", *quantiles("griddispatch_batch_seconds", by="topic")),
        line("发布与应用 published and applied", "ops", per_second("griddispatch_events_published_total", "topic"), per_second("griddispatch_events_applied_total", "source")),
        line("重复与修复 duplicate and repaired", "ops", ("sum by (job) (rate(griddispatch_events_duplicate_total[$__rate_interval]))", "{{job}} duplicate"), ("sum by (job) (rate(griddispatch_events_repaired_total[$__rate_interval]))", "{{job}} repaired"), ("sum by (job) (rate(griddispatch_events_parked_total[$__rate_interval]))", "{{job}} parked")),
        line("缺号与死信 parked and dead", "short", ("max by (job) (griddispatch_parked_events)", "{{job}} parked"), ("max by (job) (griddispatch_dead_letters)", "{{job}} dead"), limit=1),
        line("重试 retries and failures", "ops", per_second("griddispatch_batch_retries_total", "topic"), per_second("griddispatch_publish_failures_total", "topic")),
        line("连接池 connections in use", "short", ('max by (job, pool) (griddispatch_database_connections{state="used"})', "{{job}} {{pool}}")),
        line("事件循环 delay of the event loop", "s", ("histogram_quantile(0.99, sum by (le, job) (rate(griddispatch_event_loop_delay_seconds_bucket[$__rate_interval])))", "{{job}}"), limit=0.5),
        line("任务 tasks of the event loop", "short", ('griddispatch_tasks{job=~"intake|dispatch|notify"}', "{{job}}")),
        line("Kafka 遗忘与重述 forgotten and told again", "short", ("sum by (topic) (increase(griddispatch_logs_forgotten_total[$__rate_interval]))", "{{topic}} forgotten"), ("sum by (topic) (increase(griddispatch_events_retold_total[$__rate_interval]))", "{{topic}} told again")),
        line("处理器 processor", "percentunit", ('rate(process_cpu_seconds_total{job=~"intake|dispatch|notify"}[$__rate_interval])', "{{job}}")),
        line("内存 memory", "bytes", ('process_resident_memory_bytes{job=~"intake|dispatch|notify"}', "{{job}}")),
        line("异常记录 dead and unknown records", "short", ("sum by (job, topic) (increase(griddispatch_records_dead_total[$__rate_interval]))", "{{job}} dead {{topic}}"), ("sum by (job, topic) (increase(griddispatch_events_unrecognised_total[$__rate_interval]))", "{{job}} unknown {{topic}}"), limit=1),
        line("采样 age of samples, failures", "short", ("time() - min by (job, sample) (griddispatch_sampled_timestamp_seconds)", "{{job}} {{sample}} age, s"), ("sum by (job, sample) (increase(griddispatch_samples_failed_total[$__rate_interval]))", "{{job}} {{sample}} failed")),
        line("停读与待补 halted, oldest parked", "short", ("max by (job, group) (griddispatch_stream_halted)", "{{group}} halted"), ("max by (job) (griddispatch_parked_age_seconds)", "{{job}} parked, s"), limit=1),
        ranking("版本 releases that run", "short", "sum by (service, release) (griddispatch_build_info)", "{{service}} {{release}}"),
        line("发布者 relay shards held", "short", ("sum by (job) (griddispatch_relay_shards)", "{{job}}")),
    )),
    "district": ("乡镇与单位 Townships and units", (
        ranking("单位在办 open by unit", "short", "topk(20, max by (unit) (griddispatch_unit_assignments_open))", "{{unit}}"),
        ranking("单位超期 overdue by unit", "short", "topk(20, max by (unit) (griddispatch_unit_assignments_overdue) > 0)", "{{unit}}"),
        ranking("有效回访 follow-ups by township", "short", 'topk(20, max by (township) (griddispatch_rate_follow_ups{township!="all"}))', "{{township}}"),
        ranking("响应率 response", "percentunit", 'max by (township) (griddispatch_rate_ratio{rate="response", township!="all"})', "{{township}}"),
        ranking("解决率 solution", "percentunit", 'max by (township) (griddispatch_rate_ratio{rate="solution", township!="all"})', "{{township}}"),
        ranking("满意率 satisfaction", "percentunit", 'max by (township) (griddispatch_rate_ratio{rate="satisfaction", township!="all"})', "{{township}}"),
        line("单位超期走势 overdue over time", "short", ("topk(10, max by (unit) (griddispatch_unit_assignments_overdue))", "{{unit}}")),
        line("解决率走势 solution over time", "percentunit", ('max by (township) (griddispatch_rate_ratio{rate="solution"})', "{{township}}")),
    )),
}  # fmt: skip


def shown(panel: Panel, place: int) -> dict[str, Any]:
    """A panel as Grafana has it."""
    column, row = place % (COLUMNS // WIDTH), place // (COLUMNS // WIDTH)
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    custom = {"thresholdsStyle": {"mode": "dashed"}} if panel.limit is not None and panel.kind == "timeseries" else {}
    instant = panel.kind != "timeseries"
    return {
        "id": place + 1, "type": panel.kind, "title": panel.title, "datasource": PROMETHEUS,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "custom": custom, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": [
            {
                "refId": chr(ord("A") + n), "datasource": PROMETHEUS, "expr": expr, "legendFormat": legend or "__auto",
                "instant": instant, "range": not instant, "exemplar": not instant and "_bucket" in expr,
            }
            for n, (expr, legend) in enumerate(panel.queries)
        ],
    }  # fmt: skip


def render(name: str) -> str:
    """A dashboard's file."""
    title, panels = DASHBOARDS[name]
    page = {
        "uid": f"griddispatch-{name}", "title": title, "tags": ["griddispatch"], "schemaVersion": 39, "version": 1,
        "editable": False, "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "timezone": "Asia/Shanghai",
        "links": [
            {"type": "dashboards", "tags": ["griddispatch"], "title": "Grid Dispatch", "asDropdown": True, "keepTime": True}
        ],
        "panels": [shown(panel, place) for place, panel in enumerate(panels)],
    }  # fmt: skip
    return json.dumps(page, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    for name in DASHBOARDS:
        (Path(__file__).parent / "dashboards" / f"{name}.json").write_text(render(name), encoding="utf-8")
