#!/bin/sh
# Puts the database back to a backup: restore.sh FILE. All services must stand still; what was told since is taken back.
#
# ADMIN_DSN                           the database, as a superuser or as the owner of its schemas
# GRIDDISPATCH_DATABASE_DSN_<SERVICE> the same, as each service: INTAKE, DISPATCH, NOTIFY
# GRIDDISPATCH_KAFKA_BOOTSTRAP        host:port of a broker
# REPLICAS                            copies of each partition of the topics that are made anew; 1 if unset
set -eu
: "${1:?usage: restore.sh FILE}" "${ADMIN_DSN:?}" "${GRIDDISPATCH_KAFKA_BOOTSTRAP:?}"
: "${GRIDDISPATCH_DATABASE_DSN_INTAKE:?}" "${GRIDDISPATCH_DATABASE_DSN_DISPATCH:?}" "${GRIDDISPATCH_DATABASE_DSN_NOTIFY:?}"
pg_restore --list "$1" >/dev/null

# Schemas, not the database: it keeps its own settings and who may connect.
psql --quiet --set ON_ERROR_STOP=1 --dbname "$ADMIN_DSN" --output /dev/null \
  --command 'SET client_min_messages = warning; DROP SCHEMA IF EXISTS intake, dispatch, notify CASCADE'
pg_restore --single-transaction --exit-on-error --dbname "$ADMIN_DSN" "$1"
griddispatch db migrate
griddispatch recover epoch --reason "restored from $(basename "$1")" --yes
# Kafka remembers what the database forgot: its copies are made anew from the ledgers.
griddispatch recover topics --replicas "${REPLICAS:-1}" --yes
for service in intake dispatch notify; do
  griddispatch replay --service "$service" --to-topic "tickets-$service" --rebuild --yes >/dev/null
done
# Matters that came by topic since then are still there: read again, each gives the ticket that it gave, or a new one.
griddispatch recover group --from-the-beginning --yes >/dev/null
echo "restored: start the services, then tell hotlines and integrators the instant of the backup"
