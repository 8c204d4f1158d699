"""Why a service does not start: every reason at once, as whole sentences."""

from collections.abc import Sequence


class StartRefused(ValueError):
    """Settings that are each well-formed and must not go together."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)
