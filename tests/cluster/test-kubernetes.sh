#!/bin/sh
# Checks kubernetes.yaml, runs the commands of its Jobs here, and compares: test-kubernetes.sh VOICESIM FOLDER
. "$(dirname "$0")/../setup/begin.sh"
conversations=2003
cd tests/cluster

python3 manifest.py check kubernetes.yaml

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
