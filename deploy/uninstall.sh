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
fi
rm -f /etc/systemd/system/rapport.service /etc/systemd/system/multi-user.target.wants/rapport.service
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
rm -f /usr/local/bin/rapport
rm -rf /opt/rapport

if [ "$purge" = no ]; then
    echo "Rapport is gone. Kept: /etc/rapport (config, secrets), /var/lib/rapport (store, backups), the user rapport."
    echo "To erase them too: $0 --purge"
    exit 0
fi
rm -rf /etc/rapport /etc/systemd/system/rapport.service.d /var/lib/rapport
if getent passwd rapport >/dev/null; then userdel rapport; fi
if getent group rapport >/dev/null; then groupdel rapport; fi
echo "Rapport is gone, with its config, its secrets, the store and its backups. Copies elsewhere are not."
echo "Remove its app or service account at Google, Microsoft and Slack too."
