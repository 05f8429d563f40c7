#!/bin/sh
# Installs the Debian packages that voicesim is built and run with, and those that are named, if any is missing.
set -eu

missing=""
for package in cmake g++ libclang-dev pkg-config libasound2-dev espeak-ng python3-pip "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "ok installed" || missing="$missing $package"
done
# A pip of one's own will do.
if python3 -m pip --version >/dev/null 2>&1; then
    missing=$(echo " $missing " | sed 's/ python3-pip / /')
fi
missing=$(echo $missing)
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "voicesim needs these packages, or what your system calls them: $missing" >&2
    exit 3
fi
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    as_root="sudo"
    if ! command -v sudo >/dev/null 2>&1; then
        echo "as root, run: apt-get install $missing" >&2
        exit 3
    fi
fi
echo "installing: $missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing
