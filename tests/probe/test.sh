#!/bin/sh
# Without a network: holds what a probe measures of a served pipeline against what that tells of itself, has OpenAI's
# client of the Realtime API talk to one, and calls a bot of the real pipecat, whose own log says how late it was:
# test.sh VOICESIM FOLDER [TURNS]
. "$(dirname "$0")/../setup/begin.sh"

echo "pipelines of voicesim, in another process"
python3 tests/probe/double.py "$voicesim" "$work" 10
echo "OpenAI's client, and a pipeline of voicesim"
python3 tests/probe/client.py "$voicesim"
echo "a bot of pipecat"
python3 tests/probe/check.py "$voicesim" "$work" "${3:-100}"
