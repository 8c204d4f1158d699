"""The base map's address template: one host, the place of a tile, and nothing that could open the policy further."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.dispatch.base_map import BaseMap, readable_template
from services.dispatch.settings import DispatchSettings
from shared.start import problems_of

TILES = "https://tiles.example/{z}/{x}/{y}.png"


def refused(**given: Any) -> list[str]:
    with pytest.raises(ValidationError) as error:
        DispatchSettings(_env_file=None, **given)
    return [line for line in problems_of(error.value, DispatchSettings) if line.startswith("GRIDDISPATCH_MAP_")]


@pytest.mark.parametrize(
    ("template", "origin"),
    [
        ("", ""),
        (TILES, "https://tiles.example"),
        ("http://127.0.0.1:8080/{z}/{y}/{x}", "http://127.0.0.1:8080"),
        ("https://t0.maps.example/vec_w/wmts?LAYER=vec&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk=0a1b", "https://t0.maps.example"),
        ("https://wms.example/ows?SERVICE=WMS&SRS=EPSG:3857&BBOX={bbox-epsg-3857}&WIDTH=256", "https://wms.example"),
    ],
)  # fmt: skip
def test_a_template_of_one_place_is_taken_and_its_origin_is_known(template: str, origin: str) -> None:
    assert BaseMap(readable_template(template)).origin == origin


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("tiles/{z}/{x}/{y}.png", "must be an address"),
        ("https://tiles.example", "must be an address"),
        ("javascript:alert(1)/{z}/{x}/{y}", "must be an address"),
        ("ftp://tiles.example/{z}/{x}/{y}", "its host"),
        ("https://{s}.tiles.example/{z}/{x}/{y}.png", "its host"),
        ("https://me:word@tiles.example/{z}/{x}/{y}.png", "its host"),
        ("https://*/{z}/{x}/{y}.png", "its host"),
        ("https:///{z}/{x}/{y}.png", "its host"),
        ("https://tiles.example;script-src/{z}/{x}/{y}.png", "its host"),
        ("https://tiles.example, https://more.example/{z}/{x}/{y}.png", "its host"),
        ("https://tiles.example/{z}/{x}.png", "{z}, {x} and {y}"),
        ("https://tiles.example/{z}/{x}/{y}/{y}.png", "{z}, {x} and {y}"),
        ("https://tiles.example/{z}/{x}/{-y}.png", "{z}, {x} and {y}"),
        ("https://tiles.example/{z}/{x}/{y}{r}.png", "{z}, {x} and {y}"),
        ("https://tiles.example/{z}/{x}/{y}.png?b={bbox-epsg-3857}", "{z}, {x} and {y}"),
        ("https://tiles.example/{z}/{x}/{y}.png?q=\"'", "%XX"),
        ("https://tiles.example/{z}/{x}/{y}.png\r\nX: 1", "%XX"),
        ("https://tiles.example/{z}/{x}/{y}.png\n", "%XX"),
        ("https://tiles.example/{z/{x}/{y}.png", "{z}, {x} and {y}"),
        ("https://tiles.example/{z}/{x}/{y}.png?" + "a" * 500, "500"),
    ],
)
def test_any_other_is_refused_at_the_start_by_name_with_what_would_do(template: str, why: str) -> None:
    (line,) = refused(map_tiles=template, map_attribution="© them")
    assert line.startswith("GRIDDISPATCH_MAP_TILES: ")
    assert why in line
    assert line.endswith("; for example https://tiles.example/{z}/{x}/{y}.png")


def test_everything_wrong_with_a_template_is_told_at_once() -> None:
    (line,) = refused(map_tiles="https://{s}.tiles.example/{z}/{x}.png?q=<", map_attribution="© them")
    assert all(why in line for why in ("its host", "{z}, {x} and {y}", "%XX"))


@pytest.mark.parametrize("attribution", ["", "  "])
def test_a_map_of_nobody_is_refused(attribution: str) -> None:
    (line,) = refused(map_tiles=TILES, map_attribution=attribution)
    assert line.startswith("GRIDDISPATCH_MAP_ATTRIBUTION: ")
    assert "whose map" in line


def test_without_a_template_nobody_need_be_named() -> None:
    assert refused() == []
