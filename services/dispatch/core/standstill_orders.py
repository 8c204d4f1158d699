"""Orders by which the clocks of an area stand still (不可抗力), as an area's sheet has them."""

from typing import NamedTuple

from services.dispatch.core.sheets import Validity


class Standstill(NamedTuple):
    """One order: whole days of some townships, by code or `*`. It begins and ends; nothing stands for ever."""

    id: str
    document_no: str
    townships: tuple[str, ...]
    validity: Validity
