#!/bin/sh
# Has other programs read what voicesim writes, and compares: test.sh VOICESIM FOLDER
# The programs are put into FOLDER, once; after that nothing is fetched.
set -eu
conversations=400
hdrhistogram=0.10.8
duckdb=2.0.0
junitparser=5.0.3
if ! voicesim=$(realpath -e "$1" 2>/dev/null); then
    echo "$1 is not there; cargo build --release makes it" >&2
    exit 2
fi
mkdir -p "$2"
folder=$(realpath "$2")
cd "$(dirname "$0")/../.."

installed=$folder/hdrhistogram-$hdrhistogram-duckdb-$duckdb-junitparser-$junitparser
export PYTHONPATH="$installed"
export PYTHONDONTWRITEBYTECODE=1
if [ ! -d "$installed" ] || ! python3 -c 'import duckdb, hdrh, junitparser' 2>/dev/null; then
    echo "installing: hdrhistogram $hdrhistogram, duckdb $duckdb, junitparser $junitparser"
    fresh=$(mktemp -d "$folder/fresh-XXXXXX")
    trap 'rm -rf "$fresh"' EXIT
    export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
    if ! python3 -m pip install --quiet --target "$fresh" "hdrhistogram==$hdrhistogram" "duckdb==$duckdb" "junitparser==$junitparser"; then
        echo "they cannot be installed; that needs pip and a way to PyPI, once" >&2
        exit 3
    fi
    rm -rf "$installed"
    mv -T "$fresh" "$installed"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

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
