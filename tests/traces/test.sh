#!/bin/sh
# Has the real libraries write traces, without a network, imports them, and has their parsers read ours:
# test.sh VOICESIM FOLDER. The libraries are put into FOLDER, once; after that nothing is fetched.
set -eu
if ! voicesim=$(realpath -e "$1" 2>/dev/null); then
    echo "$1 is not there; cargo build makes it" >&2
    exit 2
fi
mkdir -p "$2"
folder=$(realpath "$2")
cd "$(dirname "$0")/../.."

PYTHONPATH=$(sh tests/setup/python.sh tests/traces/requirements.txt "$folder")
export PYTHONPATH
export PYTHONDONTWRITEBYTECODE=1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

echo "pipecat and livekit-agents hold a conversation each, without a network"
python3 tests/traces/pipecat_pipeline.py "$work" > "$work/pipecat.log" 2>&1 || { tail "$work/pipecat.log" >&2; exit 1; }
python3 tests/traces/livekit_agent.py "$work" > "$work/livekit.log" 2>&1 || { tail "$work/livekit.log" >&2; exit 1; }
python3 tests/traces/check.py "$voicesim" "$work"
