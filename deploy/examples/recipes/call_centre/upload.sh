#!/bin/sh
# A call centre whose only way out is a CSV table. Run it again after any break, or whenever the table has grown: the
# journal beside the table knows which rows are durable, and the service knows every row by its number in the table.
#
#   GRIDDISPATCH_URL=http://127.0.0.1:8001 ./upload.sh matters.csv
#
# Exit codes: 0 all taken, 1 some rows refused (they are named; mend them and run again), 3 not reachable (run again).
set -eu

exec "${PYTHON:-python3}" -m griddispatch_client --url "${GRIDDISPATCH_URL:-http://127.0.0.1:8001}" upload "$1" \
  --set source=call-centre --set channel=PHONE \
  --map external_id=工单编号 --map reported_at=来电时间 --map text=诉求内容 \
  --map reporter.name=来电人 --map reporter.phone=联系电话 --map location.address=地址
