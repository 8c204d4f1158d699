"""Matters that the police line 110 hands over because they are not theirs 非警务警情: one JSON object a line on stdin.

{"alarm": "J2026031000017", "at": "2026-03-10T09:15:00+08:00", "text": "…", "phone": "…", "lon": 119.2, "lat": 33.3}

    GRIDDISPATCH_URL=http://127.0.0.1:8001 python transfer_110.py < alarms.ndjson

Prints the alarm's number and the ticket's, so that 110 can close its own record. The alarm's number is the external id:
whoever runs this again, from anywhere, gets the same tickets. Points of the police are GCJ02. Exit code 1 when one was
refused, 3 when no word came: run it again then.
"""

import json
import os
import sys
from typing import Any

from griddispatch_client import Hotline, Place, Receipt, Refused, Report, Reporter


def report_of(alarm: dict[str, Any]) -> Report:
    """What is handed over; the caller stays reachable, and the words stay theirs."""
    return Report(
        source="transfer-110",
        channel="TRANSFER_110",
        external_id=alarm["alarm"],
        text=alarm["text"],
        reported_at=alarm["at"],
        reporter=Reporter(phone=alarm["phone"]) if alarm.get("phone") else None,
        location=Place(lon=alarm["lon"], lat=alarm["lat"], crs="GCJ02") if "lon" in alarm else None,
    )


def main() -> int:
    """Hand everything over; the exit code."""
    alarms = [json.loads(line) for line in sys.stdin if line.strip()]
    code = 0
    with Hotline(os.environ.get("GRIDDISPATCH_URL", "http://127.0.0.1:8001")) as hotline:
        for alarm, answer in zip(alarms, hotline.submit_many(map(report_of, alarms)), strict=True):
            if isinstance(answer, Receipt):
                print(alarm["alarm"], answer.ticket_no, sep="\t")
                continue
            print(alarm["alarm"], answer, sep="\t", file=sys.stderr)
            code = max(code, 1 if isinstance(answer, Refused) else 3)
    return code


if __name__ == "__main__":
    sys.exit(main())
