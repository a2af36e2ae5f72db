#!/bin/sh
# Installs Rapport on a machine with systemd, or brings an installed one up to date. May be run again at any time.
#
#   deploy/install.sh [--wheel FILE] [--python FILE] [--no-backup] [--no-start] [--workers N] [--no-scheduler]
#
# --workers N: N workers run here (docs/install.md, "More than one machine"). --no-scheduler: the service itself does not.
# Both are remembered, by what systemd has enabled.
#
# What it leaves:
#   /opt/rapport/releases/VERSION-TIME   an environment of its own; the last two are kept
#   /opt/rapport/current                 leads to the one in use; switched only when the new one is complete
#   /etc/rapport                         config (root:rapport, 0640) and secrets/ (root alone)
#   /var/lib/rapport                     the store and its backups (rapport alone)
#   /usr/local/bin/rapport               the command, run as the service runs it
#   /etc/systemd/system/rapport.service, rapport-worker@.service
set -eu
umask 022

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
home=/opt/rapport
settings=/etc/rapport
data=/var/lib/rapport
units=/etc/systemd/system
enabled=$units/multi-user.target.wants
command=/usr/local/bin/rapport
wheel=
python=
backup=yes
start=yes
start_workers=yes
workers=
scheduler=yes
disable=no

say() { printf '%s\n' "$*"; }
fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}
# The numbers of the workers that are enabled, a line each.
enabled_workers() {
    for link in "$enabled"/rapport-worker@*.service; do
        if [ -L "$link" ]; then basename "$link" .service | cut -d@ -f2; fi
    done
}
has_systemd() { [ -d /run/systemd/system ] && command -v systemctl >/dev/null; }

while [ $# -gt 0 ]; do
    case $1 in
        --wheel) wheel=${2:?} && shift 2 ;;
        --python) python=${2:?} && shift 2 ;;
        --no-backup) backup=no && shift ;;
        --no-start) start=no && start_workers=no && shift ;;
        --workers) workers=${2:?} && shift 2 ;;
        --no-scheduler) scheduler=no && disable=yes && shift ;;
        *) fail "unknown option $1; allowed: --wheel FILE, --python FILE, --no-backup, --no-start, --workers N, --no-scheduler" ;;
    esac
done

case $workers in
    *[!0-9]* | ????*) fail "--workers takes a number, such as 4; 0 for none" ;;
esac

[ "$(id -u)" -eq 0 ] || fail "run it as root: sudo $0"

if [ -z "$wheel" ]; then
    for found in "$here"/rapport_daemon-*.whl "$here"/../dist/rapport_daemon-*.whl; do
        [ -f "$found" ] || continue
        [ -z "$wheel" ] || fail "there are several wheels; say which: --wheel FILE"
        wheel=$found
    done
fi
[ -n "$wheel" ] || fail "there is no wheel; name it with --wheel FILE (docs/install.md says how to make one)"
[ -f "$wheel" ] || fail "there is no file $wheel"

if [ -z "$python" ]; then
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$(command -v "$name")
            break
        fi
    done
fi
[ -n "$python" ] || fail "Python 3.11 or later is needed: apt-get install python3 python3-venv"
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python cannot make environments: apt-get install python3-venv"

version=$(basename "$wheel" | cut -d- -f2)
release=$home/releases/$version-$(date -u +%Y%m%dT%H%M%SZ)

# 1. An owner, and folders that only it or root can read.
getent group rapport >/dev/null || groupadd --system rapport
getent passwd rapport >/dev/null ||
    useradd --system --gid rapport --home-dir "$data" --no-create-home --shell /usr/sbin/nologin rapport
install -d -m 0755 "$home" "$home/releases"
install -d -m 0750 -o root -g rapport "$settings"
install -d -m 0700 -o root -g root "$settings/secrets"
install -d -m 0700 -o rapport -g rapport "$data" "$data/backups"

# What was stopped or disabled on purpose stays so.
first=yes
if [ -e "$home/current" ]; then first=no; fi
if [ "$first" = no ] && has_systemd && ! systemctl is-active --quiet rapport.service; then
    start=no
    if [ ! -L "$enabled/rapport.service" ] && [ -n "$(enabled_workers)" ]; then scheduler=no; fi
fi

# 2. The new environment, complete before anything of the old one is touched.
clean_up() { rm -rf "$release"; }
trap 'clean_up' EXIT
trap 'exit 130' INT TERM
say "Installing Rapport $version in $release"
"$python" -m venv "$release"
"$release/bin/python" -m pip --quiet --disable-pip-version-check install --require-hashes --no-deps --no-compile \
    -r "$here/requirements.lock"
"$release/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps --no-index --no-compile "$wheel"
"$release/bin/python" -m pip --disable-pip-version-check check >/dev/null
sh "$here/trim.sh" "$release"
"$release/bin/python" -m compileall -q -j 0 "$release/lib"
install -d -m 0755 "$release/docs"
for page in install.md operations.md scaling.md; do
    if [ -f "$here/../docs/$page" ]; then install -m 0644 "$here/../docs/$page" "$release/docs/$page"; fi
done
"$release/bin/rapport" --help >/dev/null || fail "the new environment does not run; nothing was changed"

# 3. A backup by the version that wrote the store. Where only workers run, the store is another machine's business.
if [ "$backup" = yes ] && [ "$scheduler" != no ] && [ -x "$home/current/bin/rapport" ] && [ -f "$settings/config.toml" ]; then
    copy=$data/backups/before-$version-$(date -u +%Y%m%dT%H%M%SZ).db
    if said=$("$command" db backup "$copy" 2>&1); then
        say "Backed up the store to $copy"
    else
        case $said in
            *"nothing stored yet"* | *"no store yet"*) say "There is nothing stored yet, so nothing was backed up" ;;
            *) fail "no backup could be made, so nothing was changed: $said
Mend that, or make one by other means and use --no-backup" ;;
        esac
    fi
fi

# 4. The switch, in one step.
ln -sfn "$release" "$home/next"
mv -T "$home/next" "$home/current"
trap - EXIT
install -m 0755 "$here/rapport.sh" "$command"
install -m 0644 "$here/rapport.service" "$here/rapport-worker@.service" "$units"
[ ! -f "$here/../config.example.toml" ] ||
    install -m 0640 -o root -g rapport "$here/../config.example.toml" "$settings/config.example.toml"

# 5. Older environments; the one before stays, to go back to.
for old in $(find "$home/releases" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | cut -d' ' -f2- | tail -n +3); do
    [ "$old" = "$release" ] || rm -rf "$old"
done

# 6. The service, and workers.
run_service() {
    # A store on PostgreSQL is upgraded by nothing else, for workers elsewhere use it too; any other would be at the start.
    systemctl stop rapport.service
    said=$("$command" db upgrade 2>&1) || say "The store could not be upgraded; the service tries again: $said"
    systemctl restart rapport.service
    say "The service runs: systemctl status rapport"
}
enable_workers() {
    number=1
    while [ "$number" -le "$workers" ]; do
        systemctl enable --quiet "rapport-worker@$number.service"
        number=$((number + 1))
    done
    for number in $(enabled_workers); do
        case $number in
            *[!0-9]*) ;; # named by somebody, for a reason
            *) [ "$number" -le "$workers" ] || systemctl disable --quiet --now "rapport-worker@$number.service" ;;
        esac
    done
}
if has_systemd; then
    systemctl daemon-reload
    if [ "$disable" = yes ]; then
        systemctl disable --quiet --now rapport.service
        start=no
    elif [ "$first" = yes ]; then
        systemctl enable --quiet rapport.service
    fi
    if [ -f "$settings/config.toml" ] && [ "$start" = yes ]; then run_service; fi
    if [ -n "$workers" ]; then enable_workers; fi
    if [ -f "$settings/config.toml" ] && [ "$start_workers" = yes ]; then
        if [ -n "$workers" ]; then
            for number in $(enabled_workers); do systemctl restart "rapport-worker@$number.service"; done
        else
            systemctl try-restart 'rapport-worker@*.service'
        fi
    fi
    running=$(enabled_workers | wc -l)
    [ "$running" -eq 0 ] || say "Workers enabled here: $running (systemctl list-units 'rapport-worker@*')"
else
    say "systemd does not run here, so nothing was started"
fi

say "Rapport $version is installed."
if [ ! -f "$settings/config.toml" ]; then
    names=
    if [ "$scheduler" != no ]; then names=" rapport"; fi
    for number in $(enabled_workers); do names="$names rapport-worker@$number"; done
    say "Next: write $settings/config.toml (docs/install.md shows one), then: rapport check && systemctl start$names"
fi
