"""How the command line proves to Kafka who it is: by the same settings as the services."""

from shared.errors import Problem, Rejected
from shared.kafka_security import KafkaSettings, Security


def kafka_security() -> Security:
    """What the GRIDDISPATCH_KAFKA_… settings say to show. Raises Rejected with what does not go together."""
    try:
        return KafkaSettings().security()
    except (ValueError, OSError) as error:
        raise Rejected(Problem("kafka", "settings", str(error))) from error
