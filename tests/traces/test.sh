#!/bin/sh
# Has the real libraries write traces, without a network, imports them, and has their parsers read ours:
# test.sh VOICESIM FOLDER
. "$(dirname "$0")/../setup/begin.sh"

echo "pipecat and livekit-agents hold a conversation each, without a network"
python3 tests/traces/pipecat_pipeline.py "$work" > "$work/pipecat.log" 2>&1 || { tail "$work/pipecat.log" >&2; exit 1; }
python3 tests/traces/livekit_agent.py "$work" > "$work/livekit.log" 2>&1 || { tail "$work/livekit.log" >&2; exit 1; }
python3 tests/traces/check.py "$voicesim" "$work"
