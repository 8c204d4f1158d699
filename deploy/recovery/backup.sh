#!/bin/sh
# Backs the database up into a file: backup.sh FILE, with ADMIN_DSN as somebody who sees every schema.
# All three schemas at one and the same instant; the vault's keys, rule packs and areas are kept apart from it.
set -eu
: "${1:?usage: backup.sh FILE}" "${ADMIN_DSN:?where the database is, postgresql://…}"
pg_dump --format=custom --file="$1.part" "$ADMIN_DSN"
test "$(pg_restore --list "$1.part" | grep -c 'TABLE DATA .* event ')" -eq 3 || {
  echo "$1.part lacks the ledger of a service: is ADMIN_DSN the right database?" >&2
  exit 1
}
mv "$1.part" "$1"
echo "$1: $(wc -c <"$1" | tr -d ' ') bytes"
