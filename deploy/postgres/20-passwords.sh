#!/bin/sh
# Gives each service's role its password from the secret files. Runs once, after 10-roles.sql, in a new database.
set -eu
for service in intake dispatch notify; do
  password=$(cat "/run/secrets/${service}_password")
  psql -v ON_ERROR_STOP=1 -v role="griddispatch_$service" -v password="$password" \
    -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
ALTER ROLE :"role" PASSWORD :'password';
SQL
done
