"""The settings of the dispatch service."""

from shared.settings import ServiceSettings


class DispatchSettings(ServiceSettings):
    """What dispatch needs beside the common settings."""

    port: int = 8002
    timer_batch: int = 200
