#!/bin/sh
# Takes Rapport off a machine. What it knows (config, secrets, store, backups) stays, unless --purge is given.
#
#   deploy/uninstall.sh [--purge]
set -eu

fail() {
    printf 'uninstall.sh: %s\n' "$*" >&2
    exit 1
}

purge=no
case ${1:-} in
    '') ;;
    --purge) purge=yes ;;
    *) fail "unknown option $1; allowed: --purge" ;;
esac
[ "$(id -u)" -eq 0 ] || fail "run it as root: sudo $0"

if [ -d /run/systemd/system ]; then
    systemctl disable --quiet --now rapport.service 2>/dev/null || true
    # Those that run, and those that are only enabled.
    systemctl stop 'rapport-worker@*.service' 2>/dev/null || true
fi
units=/etc/systemd/system
rm -f "$units/rapport.service" "$units/rapport-worker@.service"
rm -f "$units"/multi-user.target.wants/rapport.service "$units"/multi-user.target.wants/rapport-worker@*.service
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
rm -f /usr/local/bin/rapport
rm -rf /opt/rapport

if [ "$purge" = no ]; then
    echo "Rapport is gone. Kept: /etc/rapport (config, secrets), /var/lib/rapport (store, backups), the user rapport."
    echo "To erase them too: $0 --purge"
    exit 0
fi
rm -rf /etc/rapport "$units/rapport.service.d" "$units"/rapport-worker@*.service.d /var/lib/rapport
if getent passwd rapport >/dev/null; then userdel rapport; fi
if getent group rapport >/dev/null; then groupdel rapport; fi
echo "Rapport is gone, with its config, its secrets, the store and its backups. Copies elsewhere are not."
echo "Remove its app or service account at Google, Microsoft and Slack too."
