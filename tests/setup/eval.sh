#!/bin/sh
# Runs voicesim on every recording below a folder: eval.sh VOICESIM FOLDER
set -eu
voicesim=$1
data=$2
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

find "$data" -type f \( -name '*.wav' -o -name '*.flac' -o -name '*.mp3' -o -name '*.ogg' \) | sort > "$runs/list"
[ -s "$runs/list" ] || { echo "there is no recording below $data" >&2; exit 2; }

number=0
while read -r recording; do
    name=$(basename "$recording")
    echo "== $name"
    number=$((number + 1))
    # A turn that failed (exit 1) is in the report; anything worse ends this.
    "$voicesim" --quiet run --wav "$recording" --out "$runs/$number" --json > "$runs/report.json" || [ $? -eq 1 ]
    python3 - "$runs/report.json" <<'PYTHON'
import json, sys

report = json.load(open(sys.argv[1]))
detail = report["detail"]
print("heard:", " ".join(turn["heard"] for turn in detail if turn["heard"]) or "(nothing)")
outcomes = [turn["outcome"] for turn in detail]
print("utterances:", ", ".join(f"{outcomes.count(o)} {o}" for o in sorted(set(outcomes))) or "none")
e2e = report["metrics"].get("e2e_latency")
if e2e:
    print(f"e2e_latency: p50 {e2e['p50_ms']:.0f} ms, p95 {e2e['p95_ms']:.0f} ms")
PYTHON
done < "$runs/list"
