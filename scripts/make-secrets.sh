#!/bin/sh
# Writes new secrets for docker-compose.yml to .env, or to the file that is named; one that is there stays as it is,
# since the engines keep the secrets that they began with.
set -euC
umask 077

command -v openssl >/dev/null || {
    echo "openssl is missing, which makes the secrets: install it, and run this again" >&2
    exit 1
}

hex() {
    openssl rand -hex "$1"
}

cat >"${1:-.env}" <<SECRETS
COVIDXR_DATABASE_PASSWORD=$(hex 24)
COVIDXR_EVENTS_PASSWORD=$(hex 24)
COVIDXR_SECRET_KEY=$(hex 32)
COVIDXR_METRICS_TOKEN=$(hex 24)
AWS_ACCESS_KEY_ID=GK$(hex 12)
AWS_SECRET_ACCESS_KEY=$(hex 32)
GARAGE_RPC_SECRET=$(hex 32)
SECRETS
