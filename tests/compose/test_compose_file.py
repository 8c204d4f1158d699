"""The compose files as they are written: what runs is bounded, unprivileged, and asked for its health."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
OURS = ("intake", "dispatch", "notify", "migrate", "topics", "matters")


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return found


COMPOSE = load("docker-compose.yml")
CLUSTER = load("deploy/compose/cluster.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_has_limits(name: str) -> None:
    assert {"mem_limit", "cpus", "pids_limit"} <= SERVICES[name].keys()


@pytest.mark.parametrize("name", [n for n in SERVICES if n not in ("kafka", "postgres")])
def test_what_needs_no_rights_has_none(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service["user"].startswith(("0", "root"))


@pytest.mark.parametrize("name", ["kafka", "postgres", "intake", "dispatch", "notify"])
def test_what_others_wait_for_is_asked_for_its_health(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", ["intake", "dispatch", "notify"])
def test_a_service_starts_after_its_tables_and_topics(name: str) -> None:
    assert SERVICES[name]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"},
        "topics": {"condition": "service_completed_successfully"},
    }


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_stands_in_the_environment(name: str) -> None:
    for variable, value in SERVICES[name].get("environment", {}).items():
        if re.search("PASSWORD|DSN|KEYS|SECRET", variable):
            assert variable.endswith("_FILE")
            secret = Path(value).name
            assert secret in SERVICES[name]["secrets"]


def test_the_script_makes_every_secret() -> None:
    script = (ROOT / "deploy" / "compose" / "make-secrets.sh").read_text(encoding="utf-8")
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f".secrets/{name}"}
        service, _, kind = name.partition("_")
        assert f"keep {name} " in script or (service in OURS and f'keep "${{service}}_{kind}"' in script)


def test_images_are_of_a_fixed_version() -> None:
    images = [s["image"] for s in (*SERVICES.values(), CLUSTER["services"]["kafka2"])]
    assert all(re.search(r":(v?\d|local$)", image) for image in images)


def test_in_the_cluster_a_record_needs_two_of_three_copies() -> None:
    brokers = {name: s["environment"] for name, s in CLUSTER["services"].items() if name.startswith("kafka")}
    assert sorted(b["KAFKA_NODE_ID"] for b in brokers.values()) == [1, 2, 3]
    assert {b["KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR"] for b in brokers.values()} == {3}
    assert CLUSTER["services"]["topics"]["command"][-2:] == ["--replicas", "3"]


def test_prometheus_looks_where_the_services_listen() -> None:
    jobs = load("deploy/prometheus/prometheus.yml")["scrape_configs"]
    targets = {j["job_name"]: j["static_configs"][0]["targets"] for j in jobs if j["job_name"] != "prometheus"}
    assert targets == {"intake": ["intake:8001"], "dispatch": ["dispatch:8002"], "notify": ["notify:8003"]}
