#!/bin/sh
# Has other programs read what voicesim writes, and compares: test.sh VOICESIM FOLDER
. "$(dirname "$0")/../setup/begin.sh"
conversations=400

# A run, as it was recorded; the same with text that breaks careless writers; a simulation, one in which a
# percentile lies exactly on a value, and many calls at once.
recorded=tests/it/data/recorded
"$voicesim" -q run --recorded "$recorded" --out "$work/run" > /dev/null
python3 tests/readers/hostile.py "$recorded" "$work/hostile"
"$voicesim" -q simulate audio/simulations/assistant.toml --conversations "$conversations" --out "$work/simulation" > /dev/null
"$voicesim" -q simulate audio/simulations/hedging.toml --conversations 150 --out "$work/hedging" > /dev/null
"$voicesim" -q simulate audio/simulations/load.toml --worlds 1 --out "$work/load" > /dev/null
cat > "$work/budget.toml" <<TOML
[budget]
e2e_latency_p99_9_ms = 60000
e2e_latency_p75_ms = 1
hop.model_response_p50_ms = 1
TOML
for name in run hostile simulation hedging load; do
    files=$work/$name-files
    mkdir "$files"
    "$voicesim" -q report "$work/$name" --budget "$work/budget.toml" --json \
        --csv "$files/turns.csv" --parquet "$files/turns.parquet" --hgrm "$files/e2e_latency.hgrm" \
        --perfetto "$files/trace.json" --junit "$files/junit.xml" > "$files/report.json"
    python3 tests/readers/read.py "$work/$name" "$files"
done
python3 tests/readers/recipes.py "$work/run-files"
