#!/usr/bin/env bash
# Runs a command beside a PostgreSQL server of its own: tests/postgres.sh make test
#
# The server listens on loopback, lives in a temporary folder and ends with the command, however that ends.
# The command finds its address in GRADLINE_TEST_POSTGRES. Where there are no server programs, they are installed
# with apt-get (as root, or with sudo that asks for nothing); where that cannot be, it says what to install.
set -euo pipefail

find_programs() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1 || true; }

programs=$(find_programs)
if [ -z "$programs" ] && command -v apt-get >/dev/null; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    { $as_root apt-get update -qq && $as_root apt-get install -qq -y postgresql; } >&2 || true
    programs=$(find_programs)
fi
[ -n "$programs" ] || programs=$(dirname "$(command -v postgres || true)")
if [ ! -x "$programs/initdb" ]; then
    echo "no PostgreSQL server programs found. On Debian or Ubuntu: sudo apt-get install postgresql" >&2
    exit 1
fi

folder=$(mktemp -d)
as_user=""  # PostgreSQL refuses to run as root
if [ "$(id -u)" = 0 ]; then
    chown postgres "$folder"
    as_user="runuser -u postgres --"
fi
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')

stop() {
    pid=$(head -1 "$folder/data/postmaster.pid" 2>/dev/null || true)
    if [ -n "$pid" ]; then
        kill -INT "$pid" 2>/dev/null || true
        while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    fi
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

cd "$folder"
echo secret > "$folder/password"
chmod 644 "$folder/password"
$as_user "$programs/initdb" -D "$folder/data" -U gradline -A scram-sha-256 --pwfile="$folder/password" >"$folder/log"
$as_user "$programs/pg_ctl" start -w -s -D "$folder/data" -l "$folder/data/log" \
    -o "-c listen_addresses=127.0.0.1 -p $port -k $folder -c fsync=off"
cd "$OLDPWD"

GRADLINE_TEST_POSTGRES="postgresql://gradline:secret@127.0.0.1:$port/postgres" "$@"
