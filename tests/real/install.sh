#!/bin/sh
# Installs the real tools that the tests compare treering with, from Debian's packages.
# Without root it says what is missing; in CI (CI set) missing is an error.
set -eu
list=$(dirname "$0")/debian-packages.txt
missing=""
while read -r package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $package"
done < "$list"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing for the tests:$missing" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086 -- a list of package names
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
    exit 0
fi
echo "the tests want these Debian packages, which are not installed:$missing" >&2
echo "as root, \`make test\` installs them; without them the tests that need them are skipped" >&2
[ -z "${CI:-}" ] || exit 1
