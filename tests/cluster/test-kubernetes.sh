#!/bin/sh
# Checks kubernetes.yaml, runs the commands of its Jobs here, and compares: test-kubernetes.sh VOICESIM FOLDER
# The schemas of Kubernetes are put into FOLDER, once; after that nothing is fetched.
set -eu
conversations=2003
schemas=1.37.0
if ! voicesim=$(realpath -e "$1" 2>/dev/null); then
    echo "$1 is not there; cargo build --release makes it" >&2
    exit 2
fi
mkdir -p "$2"
folder=$(realpath "$2")
cd "$(dirname "$0")"

installed=$folder/kubernetes-validate-$schemas
export PYTHONPATH="$installed"
export PYTHONDONTWRITEBYTECODE=1
if [ ! -d "$installed" ] || ! python3 -c 'import kubernetes_validate, yaml' 2>/dev/null; then
    echo "installing: kubernetes-validate $schemas"
    fresh=$(mktemp -d "$folder/fresh-XXXXXX")
    trap 'rm -rf "$fresh"' EXIT
    export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
    if ! python3 -m pip install --quiet --target "$fresh" "kubernetes-validate==$schemas"; then
        echo "kubernetes-validate $schemas cannot be installed; it needs pip and a way to PyPI, once" >&2
        exit 3
    fi
    rm -rf "$installed"
    mv -T "$fresh" "$installed"
fi

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
