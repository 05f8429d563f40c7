#!/bin/sh
# Calls a bot of the real pipecat, without a network, and holds the latencies against the bot's own log:
# test.sh VOICESIM FOLDER [TURNS]
. "$(dirname "$0")/../setup/begin.sh"

echo "pipelines of voicesim, in another process"
python3 tests/probe/double.py "$voicesim" "$work" 10
echo "a bot of pipecat"
python3 tests/probe/check.py "$voicesim" "$work" "${3:-100}"
