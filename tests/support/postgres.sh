#!/usr/bin/env bash
# A throw-away PostgreSQL cluster, from the system's binaries, for the time of a command:
#
#   tests/support/postgres.sh cargo test      runs the command with PIKETT_TEST_POSTGRES set
#   tests/support/postgres.sh --hold          prints the URL and keeps the cluster until its input ends
#
# With PIKETT_TEST_POSTGRES set (the URL of a server on which databases may be created), that one is used.
set -euo pipefail

say() { echo "postgres.sh: $*" >&2; }

if [ -n "${PIKETT_TEST_POSTGRES:-}" ]; then
    if [ "${1:-}" = --hold ]; then
        echo "$PIKETT_TEST_POSTGRES"
        cat >/dev/null
        exit 0
    fi
    exec "$@"
fi

# The newest installed server; packages keep it outside of PATH.
binaries() {
    local found
    for found in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin 2>/dev/null | sort -rV) \
        "$(pg_config --bindir 2>/dev/null || true)" "$(dirname "$(command -v initdb || echo /nowhere/initdb)")"; do
        if [ -x "$found/initdb" ] && [ -x "$found/pg_ctl" ]; then
            echo "$found"
            return
        fi
    done
}

bin=$(binaries)
if [ -z "$bin" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing postgresql"
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends postgresql; } >&2 || true
    bin=$(binaries)
fi
if [ -z "$bin" ]; then
    say "the tests need PostgreSQL's server binaries (initdb, pg_ctl): install the package postgresql, or set PIKETT_TEST_POSTGRES to a server's URL"
    exit 1
fi

# PostgreSQL refuses to run as root.
user=$(id -un)
as=()
if [ "$(id -u)" = 0 ]; then
    user=postgres
    id -u "$user" >/dev/null 2>&1 || user=nobody
    as=(runuser -u "$user" --)
    command -v runuser >/dev/null || as=(su "$user" -s /bin/sh -c 'exec "$0" "$@"' --)
fi

# Short: the path of a socket may have 107 signs.
dir=$(mktemp -d /tmp/pikett-pg.XXXXXX)
[ ${#as[@]} -eq 0 ] || chown "$user" "$dir"
stop() {
    "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate -s stop >/dev/null 2>&1 || true
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

cd /tmp
"${as[@]}" "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/initdb.log" 2>&1 || {
    cat "$dir/initdb.log" >&2
    exit 1
}
# Many tests at once, each with its own pools. Syncs stay on: they are what is tested.
"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -s -w -t 60 -l "$dir/server.log" start \
    -o "-c listen_addresses='' -c unix_socket_directories=$dir -c max_connections=400 -c shared_buffers=64MB" >&2 || {
    cat "$dir/server.log" >&2
    exit 1
}
cd "$OLDPWD"

export PIKETT_TEST_POSTGRES="postgres://postgres@localhost/postgres?host=$dir"
if [ "${1:-}" = --hold ]; then
    echo "$PIKETT_TEST_POSTGRES"
    cat >/dev/null
else
    "$@"
fi
