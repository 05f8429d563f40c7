#!/bin/sh
# Checks kubernetes.yaml, runs the commands of its Jobs here, and compares: test-kubernetes.sh VOICESIM FOLDER
# The schemas of Kubernetes are put into FOLDER, once; after that nothing is fetched.
set -eu
conversations=2003
if ! voicesim=$(realpath -e "$1" 2>/dev/null); then
    echo "$1 is not there; cargo build makes it" >&2
    exit 2
fi
mkdir -p "$2"
folder=$(realpath "$2")
cd "$(dirname "$0")"

PYTHONPATH=$(sh ../setup/python.sh requirements.txt "$folder")
export PYTHONPATH
export PYTHONDONTWRITEBYTECODE=1

python3 manifest.py check kubernetes.yaml

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$work/bin"
ln -s "$voicesim" "$work/bin/voicesim"
PATH=$work/bin:$PATH

# What pods left behind that were evicted half-way, and after the end.
runs=$work/voicesim-runs
mkdir -p "$runs/unfinished-2" "$runs/shard-3"
echo half | tee "$runs/unfinished-2/turns.bin" > "$runs/shard-3/turns.bin"

python3 manifest.py run kubernetes.yaml "$work" "CONVERSATIONS=$conversations"
voicesim --quiet simulate "$work/voicesim-scenario/scenario.toml" --conversations "$conversations" --out "$work/whole" > /dev/null
sh same.sh "$runs/merged" "$work/whole"
if [ -e "$runs/unfinished-2" ]; then
    echo "the half-made folder of index 1 is still there" >&2
    exit 1
fi
echo "merged: the same as an unsharded run, to the byte"
