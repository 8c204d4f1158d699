#!/bin/sh
# Prints id, type, ticket and version of every event of a topic, from the earliest record kept, with kcat (apt install
# kcat). No group and no offsets: a look, not a subscription.
#
#   KAFKA_BOOTSTRAP=127.0.0.1:9092 KAFKA_TOPIC=tickets-dispatch ./kcat.sh [--once]
#
# With --once it ends at the present end of the topic; without, it goes on.
set -eu

at_end=""
[ "${1:-}" = "--once" ] && at_end="-e"

# %h prints the headers as name=value with commas between them; no value of ours that is wanted here holds a comma.
# shellcheck disable=SC2086
kcat -b "${KAFKA_BOOTSTRAP:-127.0.0.1:9092}" -C -t "${KAFKA_TOPIC:-tickets-dispatch}" -o beginning -q -u $at_end \
  -X isolation.level=read_committed -f '%h\n' |
  awk -F, '{
    split("", value)
    for (i = 1; i <= NF; i++) {
      at = index($i, "=")
      value[substr($i, 1, at - 1)] = substr($i, at + 1)
    }
    print value["ce_id"] "\t" value["ce_type"] "\t" value["ce_subject"] "\t" value["ce_version"]
    fflush()
  }'
