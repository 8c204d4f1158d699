"""Writes the deployments: one a service (whole/), one a role (roles/), with their disruption budgets and scalers.

Usage, from anywhere:

    python deploy/kubernetes/make_roles.py

A role is a part of a service that runs alone: `python -m services.<service> --only <part>`.
"""

from dataclasses import dataclass
from pathlib import Path
from string import Template

PORTS = {"intake": 8001, "dispatch": 8002, "notify": 8003}
PARTITIONS = 12
"""As many partitions as the busy topics have: more readers than that would idle."""


@dataclass(frozen=True)
class Role:
    """A part of a service, how many copies it begins with, and what it scales by."""

    service: str
    part: str
    replicas: int
    lag_of: str = ""
    """The topic whose lag counts; the group is `<service>-stream`."""
    age: str = ""
    """The gauge, in seconds, that says how long work has waited."""
    most: int = PARTITIONS

    @property
    def name(self) -> str:
        """Of the deployment."""
        return f"{self.service}-{self.part}"


ROLES = (
    Role("intake", "api", 2),
    Role("intake", "relay", 2),
    Role("intake", "stream", 1, lag_of="tickets-inbound"),
    Role("intake", "triage", 1, age="griddispatch_tickets_untriaged_age_seconds", most=8),
    Role("intake", "retention", 1),
    Role("dispatch", "api", 2),
    Role("dispatch", "relay", 2),
    Role("dispatch", "stream", 2, lag_of="tickets-intake"),
    Role("dispatch", "timers", 2, age="griddispatch_timers_late_age_seconds", most=4),
    Role("notify", "api", 2),
    Role("notify", "relay", 2),
    Role("notify", "stream", 2, lag_of="tickets-dispatch"),
    Role("notify", "courier", 2, age="griddispatch_messages_waiting_age_seconds", most=8),
    Role("notify", "followups", 1),
)

DEPLOYMENT = Template("""apiVersion: apps/v1
kind: Deployment
metadata:
  name: $name
  labels: { app.kubernetes.io/name: $service, app.kubernetes.io/component: $part }
spec:
  replicas: $replicas
  revisionHistoryLimit: 5
  selector:
    matchLabels: { app.kubernetes.io/name: $service, app.kubernetes.io/component: $part }
  strategy:
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  template:
    metadata:
      labels: { app.kubernetes.io/name: $service, app.kubernetes.io/component: $part$more_labels }
    spec:
      serviceAccountName: griddispatch
      automountServiceAccountToken: false
      # Longer than draining takes: requests twelve seconds, loops fifteen.
      terminationGracePeriodSeconds: 40
      securityContext:
        runAsNonRoot: true
        runAsUser: 10001
        runAsGroup: 10001
        fsGroup: 10001
        seccompProfile: { type: RuntimeDefault }
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: { app.kubernetes.io/name: $service, app.kubernetes.io/component: $part }
      containers:
        - name: $service
          image: griddispatch
          command: ["python", "-m", "services.$service"$only]
          ports: [{ name: http, containerPort: $port }]
          envFrom: [{ configMapRef: { name: griddispatch } }]
          env:
            - name: GRIDDISPATCH_INSTANCE
              valueFrom: { fieldRef: { fieldPath: metadata.name } }
            - { name: GRIDDISPATCH_DATABASE_DSN_FILE, value: /run/secrets/griddispatch/dsn }
            - { name: GRIDDISPATCH_KEY_PEPPER_FILE, value: /run/secrets/griddispatch/key_pepper }
$more_env          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: ["ALL"] }
          resources:
            requests: { cpu: 100m, memory: 160Mi }
            limits: { memory: 512Mi }
          startupProbe:
            httpGet: { path: /livez, port: http }
            periodSeconds: 2
            failureThreshold: 60
          readinessProbe:
            httpGet: { path: /readyz, port: http }
            periodSeconds: 10
            timeoutSeconds: 5
          livenessProbe:
            httpGet: { path: /livez, port: http }
            periodSeconds: 20
            timeoutSeconds: 5
            failureThreshold: 6
          volumeMounts:
            - { name: secrets, mountPath: /run/secrets/griddispatch, readOnly: true }
            - { name: tmp, mountPath: /tmp }
      volumes:
        - name: secrets
          secret: { secretName: griddispatch-$service, defaultMode: 288 } # 0440
        - name: tmp
          emptyDir: { sizeLimit: 64Mi }
""")
VAULT = "            - { name: GRIDDISPATCH_VAULT_KEYS_FILE, value: /run/secrets/griddispatch/vault_keys }\n"
ORIGIN = Template(
    "            - name: $setting\n"
    "              valueFrom: { configMapKeyRef: { name: griddispatch-pages, key: $key } }\n"
)
ORIGINS = {
    "intake": {"GRIDDISPATCH_CONSOLE_ORIGINS": "console"},
    "dispatch": {"GRIDDISPATCH_INTAKE_ORIGIN": "intake", "GRIDDISPATCH_NOTIFY_ORIGIN": "notify"},
    "notify": {"GRIDDISPATCH_CONSOLE_ORIGINS": "console"},
}
"""What a service's API must know of the others' addresses, as browsers see them: each setting, and where it stands."""
BUDGET = Template("""---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: $name
spec:
  maxUnavailable: 1
  selector:
    matchLabels: { app.kubernetes.io/name: $service, app.kubernetes.io/component: $part }
""")
SCALER = Template("""---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: $name
spec:
  scaleTargetRef: { name: $name }
  minReplicaCount: $replicas
  maxReplicaCount: $most
  pollingInterval: 15
  cooldownPeriod: 300
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        # Every change makes the group share out its partitions anew: up by two at a time, down slowly.
        scaleUp: { stabilizationWindowSeconds: 60, policies: [{ type: Pods, value: 2, periodSeconds: 60 }] }
        scaleDown: { stabilizationWindowSeconds: 600, policies: [{ type: Pods, value: 1, periodSeconds: 300 }] }
  triggers:
$trigger""")
BY_LAG = Template("""    - type: kafka
      metadata:
        bootstrapServersFromEnv: GRIDDISPATCH_KAFKA_BOOTSTRAP
        tls: enable
        consumerGroup: $service-stream
        topic: $topic
        lagThreshold: "500"
        activationLagThreshold: "50"
        allowIdleConsumers: "false"
        limitToPartitionsWithLag: "true"
        excludePersistentLag: "true"
""")
BY_AGE = Template("""    - type: prometheus
      metadata:
        serverAddress: http://prometheus-operated.monitoring.svc:9090
        query: max($gauge)
        threshold: "15"
        activationThreshold: "5"
""")


def deployment(service: str, part: str, replicas: int, *, whole: bool) -> str:
    """One deployment and its budget."""
    facts = {"name": service if whole else f"{service}-{part}", "service": service, "part": part, "replicas": replicas}
    only = "" if whole else f', "--only", "{part}"'
    more = VAULT if service == "intake" else ""
    if whole or part == "api":
        more += "".join(ORIGIN.substitute(setting=setting, key=key) for setting, key in ORIGINS[service].items())
    labels = ", app.kubernetes.io/part-of: griddispatch"
    labels += ', griddispatch.org/serves: "true"' if whole or part == "api" else ""
    text = DEPLOYMENT.substitute(
        facts,
        more_labels=labels,
        only=only,
        port=PORTS[service],
        more_env=more,
    )
    return text + BUDGET.substitute(facts)


def scaler(role: Role) -> str:
    """What scales a role; nothing for those that need not."""
    if not (role.lag_of or role.age):
        return ""
    by_lag = BY_LAG.substitute(service=role.service, topic=role.lag_of)
    trigger = by_lag if role.lag_of else BY_AGE.substitute(gauge=role.age)
    return SCALER.substitute(name=role.name, replicas=role.replicas, most=role.most, trigger=trigger)


def files() -> dict[str, str]:
    """Every written file."""
    head = "# Written by make_roles.py; change it there.\n"
    roles = "---\n".join(deployment(r.service, r.part, r.replicas, whole=False) for r in ROLES)
    whole = "---\n".join(deployment(service, "whole", 2, whole=True) for service in PORTS)
    return {
        "roles/deployments.yaml": head + roles,
        "roles/scalers.yaml": head + "".join(scaler(role) for role in ROLES).removeprefix("---\n"),
        "whole/deployments.yaml": head + whole,
    }


if __name__ == "__main__":
    for name, text in files().items():
        path = Path(__file__).parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
