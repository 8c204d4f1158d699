"""Every overlay renders, fits the schemas of Kubernetes, and runs each part of each service exactly once."""

import os
import re
import runpy
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from services.dispatch.app import PARTS as DISPATCH_PARTS
from services.dispatch.settings import DispatchSettings
from services.intake.app import PARTS as INTAKE_PARTS
from services.intake.settings import IntakeSettings
from services.notify.app import PARTS as NOTIFY_PARTS
from services.notify.settings import NotifySettings
from shared.settings import ServiceSettings
from shared.topics import TOPICS
from tests.access.values import ROLES_FILE
from tests.observability.queries import faults
from tests.services.intake.desk import KEYS

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "kubernetes"
OVERLAYS = ("small", "city", "province")
VERSIONS = ("1.31", "1.33")
PARTS = {"intake": INTAKE_PARTS, "dispatch": DISPATCH_PARTS, "notify": NOTIFY_PARTS}
SETTINGS: dict[str, type[ServiceSettings]] = {
    "intake": IntakeSettings,
    "dispatch": DispatchSettings,
    "notify": NotifySettings,
}
KEDA = {
    "": {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "pollingInterval", "cooldownPeriod", "advanced", "triggers"},
    "kafka": {"bootstrapServersFromEnv", "consumerGroup", "topic", "lagThreshold", "activationLagThreshold", "allowIdleConsumers", "limitToPartitionsWithLag", "excludePersistentLag", "tls"},
    "prometheus": {"serverAddress", "query", "threshold", "activationThreshold"},
}  # fmt: skip
"""Fields of KEDA as we know them, as far as they are used here; no cluster has read them."""
DSN = "postgresql://u:k7Qx2mZp9LwT4vBn@db.example/g?sslmode=verify-full"
Document = dict[str, Any]


@cache
def rendered(overlay: str) -> tuple[Document, ...]:
    """The overlay's documents, as they would be applied. Skips loudly without kubectl, or fails if it is required."""
    if shutil.which("kubectl") is None:
        if os.environ.get("GRIDDISPATCH_REQUIRE_KUSTOMIZE") == "1":
            pytest.fail("kubectl is required to render the overlays")
        pytest.skip("NOT COVERED: kubectl, which renders the overlays, is not here")
    command = ["kubectl", "kustomize", str(FOLDER / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def said_to_all(overlay: str) -> dict[str, Any]:
    """What every copy is told, by the names of settings; with the rules of this checkout."""
    config = config_map(overlay, "griddispatch")
    said = {name.removeprefix("GRIDDISPATCH_").lower(): value for name, value in config["data"].items()}
    assert (said["access"], said["roles"]) == ("enforced", "/data/access/roles.toml")
    return said | {"_env_file": None, "roles": ROLES_FILE}


def config_map(overlay: str, name: str) -> Document:
    (found,) = [d for d in of_kind(overlay, "ConfigMap") if d["metadata"]["name"] == name]
    return found


def of_kind(overlay: str, kind: str) -> list[Document]:
    return [d for d in rendered(overlay) if d["kind"] == kind]


def deployments(overlay: str) -> list[Document]:
    found = of_kind(overlay, "Deployment")
    assert found
    return found


def container(deployment: Document) -> Document:
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    found: Document = only
    return found


def service_of(deployment: Document) -> str:
    return str(container(deployment)["name"])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_document_fits_the_schema_of_its_kind(overlay: str, version: str) -> None:
    known = [d for d in rendered(overlay) if "keda.sh" not in d["apiVersion"] and "coreos.com" not in d["apiVersion"]]
    for document in known:
        kubernetes_validate.validate(document, version, strict=True)
    assert len(known) >= 15


def test_a_field_that_is_misspelt_would_be_noticed() -> None:
    wrong = {**deployments("small")[0], "spec": {**deployments("small")[0]["spec"], "replicaz": 3}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@pytest.mark.parametrize("name", ["roles/deployments.yaml", "roles/scalers.yaml", "whole/deployments.yaml"])
def test_a_written_file_is_what_its_script_writes(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == runpy.run_path(str(FOLDER / "make_roles.py"))["files"]()[name]


@pytest.mark.parametrize("overlay", ["city", "province"])
def test_every_part_of_every_service_has_its_deployment(overlay: str) -> None:
    found = sorted((service_of(d), container(d)["command"][-1]) for d in deployments(overlay))
    assert found == sorted((service, part) for service, parts in PARTS.items() for part in parts)


def test_a_small_installation_runs_whole_services() -> None:
    assert sorted(tuple(container(d)["command"]) for d in deployments("small")) == sorted(
        ("python", "-m", f"services.{service}") for service in PARTS
    )


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_container_has_rights_it_does_not_need(overlay: str) -> None:
    for deployment in [*deployments(overlay), *of_kind(overlay, "Job")]:
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        for c in [*pod["containers"], *pod.get("initContainers", [])]:
            assert c["securityContext"]["readOnlyRootFilesystem"] is True
            assert c["securityContext"]["allowPrivilegeEscalation"] is False
            assert c["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in c["resources"]["limits"]
            assert not c["image"].endswith(":latest")


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_setting_is_one_and_secrets_come_as_files(overlay: str) -> None:
    config = config_map(overlay, "griddispatch")
    for deployment in deployments(overlay):
        known = {f"GRIDDISPATCH_{name.upper()}" for name in SETTINGS[service_of(deployment)].model_fields}
        given = [*config["data"], *(e["name"] for e in container(deployment)["env"])]
        assert not [name for name in given if name.removesuffix("_FILE") not in known]
        values = [str(e.get("value", "")) for e in container(deployment)["env"]]
        assert not [v for v in values if "postgresql://" in v]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_deployment_has_its_disruption_budget_and_probes(overlay: str) -> None:
    budgets = {
        d["metadata"]["name"]: d["spec"]["selector"]["matchLabels"] for d in of_kind(overlay, "PodDisruptionBudget")
    }
    for deployment in deployments(overlay):
        assert budgets[deployment["metadata"]["name"]] == deployment["spec"]["selector"]["matchLabels"]
        assert container(deployment)["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert container(deployment)["livenessProbe"]["httpGet"]["path"] == "/livez"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_requests_reach_only_copies_that_run_the_api(overlay: str) -> None:
    for service in of_kind(overlay, "Service"):
        wanted = service["spec"]["selector"].items()
        reached = [d for d in deployments(overlay) if wanted <= d["spec"]["template"]["metadata"]["labels"].items()]
        assert len(reached) == 1
        assert "--only" not in container(reached[0])["command"] or container(reached[0])["command"][-1] == "api"


@pytest.mark.parametrize("overlay", ["city", "province"])
def test_scalers_name_what_is_there_and_only_fields_that_are_known(overlay: str) -> None:
    names = {d["metadata"]["name"]: d for d in deployments(overlay)}
    topics = {t.name: t.partitions for t in TOPICS}
    scalers = of_kind(overlay, "ScaledObject")
    assert len(scalers) == 6
    for scaler in scalers:
        spec = scaler["spec"]
        assert spec.keys() <= KEDA[""]
        target = names[spec["scaleTargetRef"]["name"]]
        assert 1 <= spec["minReplicaCount"] <= spec["maxReplicaCount"]
        (trigger,) = spec["triggers"]
        facts = trigger["metadata"]
        assert facts.keys() == KEDA[trigger["type"]]
        assert all(isinstance(value, str) for value in facts.values()), "KEDA takes texts only"
        if trigger["type"] == "kafka":
            assert facts["consumerGroup"] == f"{service_of(target)}-stream"
            assert spec["maxReplicaCount"] <= topics[facts["topic"]]
        else:
            assert faults(facts["query"]) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nobody_may_talk_but_as_written(overlay: str) -> None:
    policies = {p["metadata"]["name"]: p["spec"] for p in of_kind(overlay, "NetworkPolicy")}
    assert policies["griddispatch-nobody"].keys() == {"podSelector", "policyTypes"}
    world = [
        name for name, spec in policies.items() for e in spec.get("egress", []) for p in e["ports"] if p["port"] == 443
    ]
    assert world == ["griddispatch-notices"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_prometheus_finds_every_pod_under_the_name_the_alerts_expect(overlay: str) -> None:
    (monitor,) = of_kind(overlay, "PodMonitor")
    (rule,) = monitor["spec"]["selector"]["matchExpressions"]
    assert set(rule["values"]) == {
        d["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] for d in deployments(overlay)
    }
    (relabelling,) = monitor["spec"]["podMetricsEndpoints"][0]["relabelings"]
    assert relabelling["targetLabel"] == "job"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_copy_asks_callers_who_they_are_and_starts(overlay: str) -> None:
    secrets = {"database_dsn": DSN, "key_pepper": "q2Zt9XwLr4Vn7Kp1Ym6Hc8Bd3Fs5Gj0T", "vault_keys": KEYS}
    for deployment in deployments(overlay):
        names = [e["name"].removeprefix("GRIDDISPATCH_").lower() for e in container(deployment)["env"]]
        filed = {name.removesuffix("_file") for name in names if name.endswith("_file")}
        told = said_to_all(overlay) | {name: secrets[name] for name in filed}
        assert SETTINGS[service_of(deployment)](**told).key_pepper


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_console_knows_where_the_others_are_and_they_which_pages_may_ask(overlay: str) -> None:
    told: dict[tuple[str, str], str] = {}
    for deployment in deployments(overlay):
        for entry in container(deployment)["env"]:
            if "configMapKeyRef" in entry.get("valueFrom", {}):
                where = entry["valueFrom"]["configMapKeyRef"]
                told[deployment["metadata"]["name"], entry["name"]] = config_map(overlay, where["name"])["data"][
                    where["key"]
                ]
    api = "" if overlay == "small" else "-api"
    place = {"small": "county"}.get(overlay, overlay)
    assert told == {
        (f"dispatch{api}", "GRIDDISPATCH_INTAKE_ORIGIN"): f"https://intake.{place}.example.org",
        (f"dispatch{api}", "GRIDDISPATCH_NOTIFY_ORIGIN"): f"https://notify.{place}.example.org",
        (f"intake{api}", "GRIDDISPATCH_CONSOLE_ORIGINS"): f"https://dispatch.{place}.example.org",
        (f"notify{api}", "GRIDDISPATCH_CONSOLE_ORIGINS"): f"https://dispatch.{place}.example.org",
    }
    common = {"database_dsn": DSN, "key_pepper": "q2Zt9XwLr4Vn7Kp1Ym6Hc8Bd3Fs5Gj0T"}
    origins = {name.removeprefix("GRIDDISPATCH_").lower(): origin for (_, name), origin in told.items()}
    theirs = {name: origins[name] for name in ("intake_origin", "notify_origin")}
    assert all(DispatchSettings(**said_to_all(overlay) | common | theirs).elsewhere)
    ours = {"console_origins": origins["console_origins"], "vault_keys": KEYS}
    assert IntakeSettings(**said_to_all(overlay) | common | ours).console_origins


def test_a_copy_without_pepper_or_with_plain_ways_does_not_start() -> None:
    with pytest.raises(ValueError, match="key_pepper"):
        DispatchSettings(**said_to_all("small"), database_dsn=DSN)
    with pytest.raises(ValueError, match="kafka_security"):
        DispatchSettings(**said_to_all("small") | {"kafka_security": "PLAINTEXT", "database_dsn": DSN})


def test_the_readme_names_every_overlay_and_secret() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"overlays/(\w+)`", text)) == set(OVERLAYS)
    secrets = {
        v["secret"]["secretName"]
        for d in (*deployments("small"), *of_kind("small", "Job"))
        for v in d["spec"]["template"]["spec"]["volumes"]
        if "secret" in v
    }
    assert secrets == set(re.findall(r"secret generic ([\w-]+)", text))
