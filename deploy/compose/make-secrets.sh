#!/bin/sh
# Makes the secrets of docker-compose.yml, each a file in .secrets at the root; what is there already stays as it is.
# Losing .secrets/vault_keys means losing every citizen's words that were sealed with them: keep a copy elsewhere.
set -eu
cd "$(dirname "$0")/../.."
mkdir -p .secrets
chmod 700 .secrets
keep() { # keep NAME VALUE
  if [ ! -e ".secrets/$1" ]; then printf '%s\n' "$2" >".secrets/$1"; fi
  chmod 444 ".secrets/$1" # read by users of containers; the folder keeps everybody else out
}
random() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }
keep postgres_password "$(random 24)"
keep grafana_password "$(random 12)"
for service in intake dispatch notify; do
  keep "${service}_password" "$(random 24)"
  keep "${service}_dsn" "postgresql://griddispatch_$service:$(cat ".secrets/${service}_password")@postgres/griddispatch"
done
keep key_pepper "$(head -c 48 /dev/urandom | base64 | tr -d '\n')"
keep vault_keys "k1:$(head -c 32 /dev/urandom | base64 | tr -d '\n')"
