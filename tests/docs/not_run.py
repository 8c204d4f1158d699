"""The few commands in the pages that no test runs, each by its page and first line, with the reason why."""

from typing import Final

CONTAINERS: Final = "needs a container engine; tests/compose runs it where there is one"
CLUSTER: Final = "needs a Kubernetes cluster; tests/kubernetes renders and checks the manifests"
ITSELF: Final = "runs the tests, this one among them"
BUILDS: Final = "makes an environment from the package index; the verbs behind it have tests of their own"

NOT_RUN: Final = {
    ("README.md", "make demo"): BUILDS,
    ("README.zh-CN.md", "make demo"): BUILDS,
    ("README.md", 'make demo ARGS="--tickets 2000 --once --report out.json"'): BUILDS,
    ("README.md", "deploy/compose/make-secrets.sh"): CONTAINERS,
    ("README.zh-CN.md", "deploy/compose/make-secrets.sh"): CONTAINERS,
    ("CONTRIBUTING.md", "make test"): ITSELF,
    ("deploy/kafka/acls.md", 'kafka-acls.sh --bootstrap-server "$BROKER" --command-config admin.properties --add \\'): "needs brokers with authentication; tests/access/test_acls.py checks what it names",
    ("deploy/kubernetes/README.md", "kubectl create namespace griddispatch"): CLUSTER,
    ("docs/operations/upgrade.md", "docker compose pull"): CONTAINERS,
    ("docs/operations/upgrade.md", "kubectl -n griddispatch delete job griddispatch-prepare"): CLUSTER,
    ("docs/develop.md", "make test ARGS=tests/core"): ITSELF,
    ("docs/reliability.md", "make chaos"): "takes a quarter of an hour; tests/chaos/test_smoke.py runs a fault and a bug",
    ("docs/operations/disaster-recovery.md", "deploy/recovery/restore.sh griddispatch.dump"): "puts the database back that other pages need; the fault runner practises it",
    ("docs/webhooks.md", "curl -sS localhost:8003/v1/subscriptions -H 'Content-Type: application/json' -d '{"): "names a receiver on the public internet; tests/services/notify has receivers",
    ("docs/rules.md", "griddispatch rules explain TICKET_ID --dispatch http://127.0.0.1:8002 --intake http://127.0.0.1:8001"): "names no ticket; docs/hotline.md asks the same of one",
    ("docs/rules.md", "griddispatch rules simulate --against guangdong-like"): "names a county's own files; tests/simulate runs it on ours",
}  # fmt: skip
