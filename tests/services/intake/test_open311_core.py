"""Open311's documents and catalogue: XML that holds whatever it must, and every fault of the pack's questions."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest

from services.intake.core.categories import read_categories
from services.intake.core.open311 import catalogue_of
from services.intake.core.tables import InvalidRules
from services.intake.open311_xml import Document, Format
from tests.builders import ROOT, categories
from tests.services.intake.desk import Desk
from tests.services.intake.open311_door import LAMP, open311, open_door

RECORDED = ROOT.parent / "shared/data/open311"


def recorded(name: str) -> bytes:
    """An answer recorded from a real server."""
    if not (RECORDED / name).exists():
        pytest.skip(f"NOT COVERED: no recorded {name} beside the repository")
    return Path(RECORDED / name).read_bytes()


def test_markup_and_control_characters_in_a_text_stay_text() -> None:
    nasty = "<b>&amp;]]>\x00\x0b\x1f\ufffe\r\n\t'\"路\U0001f6a6"
    document = Document("services", [{"service_name": nasty}])
    parsed = ElementTree.fromstring(document.encode(Format.XML))
    assert parsed.findtext("service/service_name") == "<b>&amp;]]>\ufffd\ufffd\ufffd\ufffd\r\n\t'\"路\U0001f6a6"
    assert orjson.loads(document.encode(Format.JSON)) == [{"service_name": nasty}]


def test_values_have_one_spelling_each() -> None:
    body = {"metadata": True, "required": False, "order": 1, "lat": 33.5, "zipcode": None, "description": ""}
    assert Document("request", body).encode(Format.XML).decode().splitlines()[1] == (
        "<request><metadata>true</metadata><required>false</required><order>1</order><lat>33.5</lat>"
        "<zipcode/><description/></request>"
    )


def test_what_has_no_spelling_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError, match="no XML for object"):
        Document("request", {"x": object()}).encode(Format.XML)


def asked(**changes: Any) -> dict[str, Any]:
    """A pack's open311.toml, parsed, with one attribute."""
    attribute = {"code": "POLE", "datatype": "number", "required": True, "zh": "灯杆号", "en": "Pole number"}
    return {"version": "1", "service": [{"code": LAMP, "attribute": [attribute | changes]}]}


def test_questions_come_from_the_pack() -> None:
    tree = read_categories(categories())
    catalogue = catalogue_of(tree, {}, asked(datatype="singlevaluelist", values={"a": "甲"}))
    assert catalogue[LAMP].document["metadata"] is True
    assert catalogue[LAMP].definition == {
        "service_code": LAMP,
        "attributes": [
            {
                "variable": True,
                "code": "POLE",
                "datatype": "singlevaluelist",
                "required": True,
                "datatype_description": None,
                "order": 1,
                "description": "灯杆号 / Pole number",
                "values": [{"key": "a", "name": "甲"}],
            }
        ],
    }


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ({"service": []}, "service"),
        ({"service": [{"code": "150", "attribute": []}]}, "service[0].code"),
        (asked(code="灯"), "service[0].attribute[0].code"),
        (asked(datatype="colour"), "service[0].attribute[0].datatype"),
        (asked(required="yes"), "service[0].attribute[0].required"),
        (asked(zh=""), "service[0].attribute[0].zh"),
        (asked(values={"a": "甲"}), "service[0].attribute[0].values"),
        (asked(datatype="multivaluelist"), "service[0].attribute[0].values"),
        (asked(colour="red"), "service[0].attribute[0].colour"),
        ({"service": [{"code": LAMP, "attribute": asked()["service"][0]["attribute"] * 2}]}, "service[0].attribute"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_when_the_pack_is_read(table: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidRules) as refused:
        catalogue_of(read_categories(categories()), {}, table)
    assert place in {problem.field for problem in refused.value.problems}


def test_our_services_have_every_field_that_real_servers_give() -> None:
    ours = set(open311().catalogue[LAMP].document)
    for service in orjson.loads(recorded("service_list.json")):
        assert set(service) <= ours
    for element in ElementTree.fromstring(recorded("services_giessen.xml")):
        assert {child.tag for child in element} <= ours


async def test_our_requests_have_every_field_that_real_servers_give(desk: Desk) -> None:
    async with open_door(desk) as door:
        number = await door.take_in()
        answer = await door.http.get(f"/open311/v2/requests/{number}.xml")
    ours, real = ElementTree.fromstring(answer.content), ElementTree.fromstring(recorded("requests_single.xml"))
    assert ours.tag == real.tag
    assert {child.tag for child in real[0]} == {child.tag for child in ours[0]}
