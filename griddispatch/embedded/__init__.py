"""Real brokers and a real database as child processes, for the demo and for tests, without containers."""

from griddispatch.embedded.apache import ApacheKafka
from griddispatch.embedded.apache_install import KafkaUnavailable
from griddispatch.embedded.broker import Broker, Capability
from griddispatch.embedded.cluster import KafkaCluster
from griddispatch.embedded.noida import NoidaBroker
from griddispatch.embedded.postgres import EmbeddedPostgres
from griddispatch.embedded.process import LaunchError

__all__ = [
    "ApacheKafka",
    "Broker",
    "Capability",
    "EmbeddedPostgres",
    "KafkaCluster",
    "KafkaUnavailable",
    "LaunchError",
    "NoidaBroker",
]
