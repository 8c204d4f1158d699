"""Where the pages of dispatch find the other two services, as browsers see them."""

from typing import NamedTuple


class Elsewhere(NamedTuple):
    """Origins; an empty one is not known, and its service not asked."""

    intake: str = ""
    notify: str = ""
