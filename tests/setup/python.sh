#!/bin/sh
# Installs the Python packages that a file lists into FOLDER, and prints where they are: python.sh REQUIREMENTS FOLDER
# They are installed once for each list and each Python; after that nothing is fetched.
set -eu
requirements=$1
mkdir -p "$2"
folder=$(realpath "$2")

installed=$folder/python-$({ python3 -V && cat "$requirements"; } | cksum | cut -d ' ' -f 1)
if [ ! -d "$installed" ]; then
    list=$(tr '\n' ' ' < "$requirements")
    echo "installing: $list" >&2
    fresh=$(mktemp -d "$folder/fresh-XXXXXX")
    trap 'rm -rf "$fresh"' EXIT
    export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
    if ! python3 -m pip install --quiet --target "$fresh" --requirement "$requirements" >&2; then
        echo "they cannot be installed; that needs pip and a way to PyPI, once" >&2
        exit 3
    fi
    mv -T "$fresh" "$installed"
fi
echo "$installed"
