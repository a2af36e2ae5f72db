#!/bin/sh
# The `rapport` command on a machine where Rapport is a service: as the service's user, with its config and secrets, so
# that what is seen by hand is what the service sees. Root only, as the secrets are root's. Relative paths begin in
# /var/lib/rapport, where that user may write.
set -eu

rapport=/opt/rapport/current/bin/rapport
data=/var/lib/rapport
config=${RAPPORT_CONFIG:-/etc/rapport/config.toml}

case ${1:-} in
    '' | --help | demo) exec "$rapport" "$@" ;; # they need neither config nor secrets
esac
if [ "$(id -u)" -ne 0 ]; then
    echo "rapport: it reads the service's secrets, so run it as root: sudo rapport $*" >&2
    exit 2
fi
if [ -d /run/systemd/system ] && [ -S /run/dbus/system_bus_socket ]; then
    exec systemd-run --quiet --pipe --wait --collect --service-type=exec --uid=rapport --gid=rapport \
        --working-directory="$data" --property=UMask=0077 --property=LoadCredential=secret:/etc/rapport/secrets \
        --setenv=RAPPORT_CONFIG="$config" --setenv=RAPPORT_NO_SEND="${RAPPORT_NO_SEND:-0}" \
        --setenv=TERM="${TERM:-dumb}" --setenv=COLUMNS="$(tput cols 2>/dev/null || echo 100)" \
        "$rapport" "$@"
fi
# Without systemd or its bus (a chroot, a container): copies of the secrets that the user can read, for as long as this takes.
secrets=$(mktemp -d)
trap 'rm -rf "$secrets"' EXIT
for file in /etc/rapport/secrets/*; do
    [ -f "$file" ] || continue
    install -m 0400 -o rapport -g rapport "$file" "$secrets/secret_$(basename "$file")"
done
chown rapport:rapport "$secrets"
cd "$data"
umask 077
RAPPORT_CONFIG=$config CREDENTIALS_DIRECTORY=$secrets setpriv --reuid=rapport --regid=rapport --clear-groups \
    --no-new-privs -- "$rapport" "$@"
