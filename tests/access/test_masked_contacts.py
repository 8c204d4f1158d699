"""A reporter's masked contact is for the unit that has the matter in hand: not for its neighbour in the same area."""

import pytest

from tests.access.enforced import World
from tests.access.values import COUNTY, OTHER_COUNTY

ROUTES = ("contact", "relay-call")


async def asked(world: World, route: str, role: str, area: str = COUNTY, unit: str = "") -> int:
    address = f"/v1/tickets/{world.ids['ticket_id']}/{route}"
    shown = world.shown(role, area, unit)
    return (await world.http["intake"].post(address, json={"purpose": "上门前联系"}, headers=shown)).status_code


@pytest.mark.parametrize("route", ROUTES)
async def test_another_unit_of_the_area_is_told_that_there_is_no_such_matter(world: World, route: str) -> None:
    assert await asked(world, route, "handler", unit="traffic-police") == 404
    assert await asked(world, route, "grid_worker", unit="grid:990101002001001") == 404
    assert await asked(world, route, "handler", OTHER_COUNTY, world.ids["unit"]) == 404


async def test_the_unit_that_has_it_sees_the_mask_and_so_does_who_oversees_the_area(world: World) -> None:
    assert await asked(world, "contact", "handler", unit=world.ids["unit"]) == 200
    assert await asked(world, "contact", "privacy_officer") == 200


@pytest.mark.parametrize("route", ROUTES)
async def test_of_a_matter_that_nobody_has_yet_no_unit_sees_anything(world: World, route: str) -> None:
    address = f"/v1/tickets/{world.ids['other_ticket']}/{route}"
    shown = world.shown("handler", COUNTY, world.ids["unit"])
    assert (await world.http["intake"].post(address, json={"purpose": "x"}, headers=shown)).status_code == 404
