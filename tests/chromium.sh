#!/usr/bin/env bash
# Runs a command where there are a Chromium and a font with Korean letters: tests/chromium.sh make test
#
# Where one is missing, Debian's package is installed with apt-get (as root, or with sudo that asks for nothing). Where
# that cannot be, the command runs all the same, and the tests that need it are skipped and say so.
set -euo pipefail

missing=()
command -v chromium >/dev/null || missing+=(chromium)
fc-list :lang=ko 2>/dev/null | grep -q . || missing+=(fonts-nanum)
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    { $as_root apt-get update -qq && $as_root apt-get install -qq -y --no-install-recommends "${missing[@]}"; } >&2 || true
fi
command -v chromium >/dev/null || echo "no chromium: tests of the lab's page are skipped" >&2

"$@"
