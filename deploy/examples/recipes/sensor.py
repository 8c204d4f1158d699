"""Water gauges as reporters: one reading a line on stdin becomes one matter for each time the water is too high.

{"device": "gauge-7", "at": "2026-03-10T09:15:00+08:00", "level_m": 1.42, "lon": 119.2, "lat": 33.3}

    GRIDDISPATCH_URL=http://127.0.0.1:8001 python sensor.py < readings.ndjson

A gauge that reports every minute must not make a matter every minute: an alarm begins above 1.2 m and ends below 1.0 m,
and its beginning is part of the external id. The same readings again, after a crash or from a second gateway, give the
same matters. Exit code 1 when one was refused, 3 when no word came: feed the readings again then.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from griddispatch_client import Hotline, HotlineError, Place, Refused, Report

ALARM_M, CALM_M = 1.2, 1.0


def alarms(readings: Iterable[dict[str, Any]]) -> Iterator[Report]:
    """A report for each reading with which an alarm begins."""
    alarmed: set[str] = set()
    for reading in readings:
        device = reading["device"]
        if reading["level_m"] > ALARM_M and device not in alarmed:
            alarmed.add(device)
            yield Report(
                source="water-gauges",
                channel="SENSOR",
                external_id=f"{device}@{reading['at']}",
                text=f"水位计{device}报警：水位{reading['level_m']}米，路面可能积水，请到场查看",
                reported_at=reading["at"],
                location=Place(lon=reading["lon"], lat=reading["lat"]),
                extensions={"device": device, "level_m": reading["level_m"]},
            )
        elif reading["level_m"] < CALM_M:
            alarmed.discard(device)


def main() -> int:
    """Read on until the input ends; the exit code."""
    code = 0
    with Hotline(os.environ.get("GRIDDISPATCH_URL", "http://127.0.0.1:8001")) as hotline:
        for report in alarms(json.loads(line) for line in sys.stdin if line.strip()):
            try:
                print(report.external_id, hotline.submit(report).ticket_no, sep="\t", flush=True)
            except HotlineError as error:
                print(report.external_id, error, sep="\t", file=sys.stderr)
                code = max(code, 1 if isinstance(error, Refused) else 3)
    return code


if __name__ == "__main__":
    sys.exit(main())
