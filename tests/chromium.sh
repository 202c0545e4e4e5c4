#!/usr/bin/env bash
# Runs a command where there is a Chromium: tests/chromium.sh make test
#
# Where there is none, Debian's package is installed with apt-get (as root, or with sudo that asks for nothing). Where
# that cannot be, the command runs all the same, and the tests that need a browser are skipped and say so.
set -euo pipefail

if ! command -v chromium >/dev/null && command -v apt-get >/dev/null; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    { $as_root apt-get update -qq && $as_root apt-get install -qq -y --no-install-recommends chromium; } >&2 || true
fi
command -v chromium >/dev/null || echo "no chromium: tests of the lab's page are skipped" >&2

"$@"
