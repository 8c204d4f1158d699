"""The reader of CloudEvents against the conformance events, where a copy of them lies beside the repository."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.intake.core.cloudevents import InvalidEvent, read_structured
from tests.builders import ROOT

FOLDER = ROOT.parent / "shared/data/cloudevents"
THERE = FOLDER.exists()
needs_events = pytest.mark.skipif(not THERE, reason="NOT COVERED: no conformance events beside the repository")


def cases(name: str) -> list[Any]:
    """The cases of a file, by their ids; none where there is no file."""
    tests = json.loads((FOLDER / name).read_text(encoding="utf-8-sig"))["tests"] if THERE else []
    return [pytest.param(test, id=test["id"]) for test in tests]


GOLDEN: dict[str, dict[str, Any]] = {
    "minimal": {"id": "minimal"},
    "minimalWithTime": {"id": "minimalWithTime", "time": datetime(2018, 4, 5, 17, 31, tzinfo=UTC)},
    "minimalWithRelativeSource": {"id": "minimalWithRelativeSource", "source": "#fragment"},
    "allCore": {
        "id": "allCore", "datacontenttype": "text/plain", "dataschema": "https://cloudevents.io/dataschema",
        "subject": "tests", "time": datetime(2018, 4, 5, 17, 31, tzinfo=UTC),
    },
    "simpleTextData": {"id": "simpleTextData", "datacontenttype": "text/plain", "data": b'"Simple text"'},
    "allExtensionTypes": {
        "id": "allExtensionTypes",
        "extensions": {
            "extinteger": 10, "extboolean": True, "extstring": "text", "extbinary": "TWE=",
            "exttimestamp": "2023-03-31T15:12:00Z", "exturi": "https://cloudevents.io", "exturiref": "//authority/path",
        },
    },
}  # fmt: skip
"""The sample events as their document describes them, beside what every one has."""


@needs_events
@pytest.mark.parametrize("case", cases("valid-events.json"))
def test_a_valid_event_is_read_as_its_sample(case: dict[str, Any]) -> None:
    event = read_structured(case["event"])
    sample = {
        "source": "https://cloudevents.io", "type": "io.cloudevents.test", "subject": None, "time": None,
        "datacontenttype": None, "dataschema": None, "extensions": {}, "data": None,
    } | GOLDEN[case["sampleId"]]  # fmt: skip
    assert {name: getattr(event, name) for name in sample} == sample


WRONG = {
    "invalidNoSpecVersion": "specversion", "invalidNoId": "id", "invalidNoType": "type", "invalidNoSource": "source",
    "invalidEmptyId": "id", "invalidEmptyType": "type", "invalidEmptySource": "source",
    "invalidEmptySpecVersion": "specversion", "invalidUnknownSpecVersion": "specversion",
    "invalidNonRfc2046DataContentType": "datacontenttype", "invalidEmptyDataContentType": "datacontenttype",
    "invalidEmptyDataSchema": "dataschema", "invalidEmptySubject": "subject", "invalidNumericId": "id",
    "invalidObjectId": "id", "invalidCapitalizedExtension": "MyExtension", "invalidPunctuatedExtension": "my.extension",
    "invalidNonIntegerExtensionValue": "my.extension", "invalidBothDataAndDataBase64": "data_base64",
}  # fmt: skip


@needs_events
@pytest.mark.parametrize("case", cases("invalid-events.json"))
def test_an_invalid_event_is_refused_for_what_is_wrong_with_it(case: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent) as refused:
        read_structured(case["event"])
    wanted = "time" if case["id"].startswith("invalidTime") else WRONG[case["id"]]
    assert [problem.field for problem in refused.value.problems] == [wanted]
