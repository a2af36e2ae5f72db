#!/bin/sh
# Takes out of an environment what Rapport never uses: Google's descriptions of 600 other services (100 MB).
#
#   deploy/trim.sh ENVIRONMENT
set -eu

environment=${1:?which environment}
for documents in "$environment"/lib/python3*/site-packages/googleapiclient/discovery_cache/documents; do
    [ -d "$documents" ] || continue
    find "$documents" -type f -name '*.json' \
        ! -name 'calendar.v3.json' ! -name 'admin.directory_v1.json' ! -name 'admin.directoryv1.json' -delete
done
