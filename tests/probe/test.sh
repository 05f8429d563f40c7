#!/bin/sh
# Calls a bot of the real pipecat, without a network, and holds the latencies against the bot's own log:
# test.sh VOICESIM FOLDER [TURNS]
. "$(dirname "$0")/../setup/begin.sh"

python3 tests/probe/check.py "$voicesim" "$work" "${3:-100}"
