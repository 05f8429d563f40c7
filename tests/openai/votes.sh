#!/bin/sh
# Asks a small language model fifty questions, with a vote of one, three and five answers, and once without any chance:
# how many are right, and when the reply begins. The runs stay in FOLDER/votes.
set -eu

voicesim=$1
folder=$2
here=$(dirname "$0")
out=$folder/votes
rm -rf "$out"
mkdir -p "$out"

# The server ends when nothing holds its standard input any more.
mkfifo "$out/hold"
python3 "$here/serve.py" "$folder" 5 <"$out/hold" >"$out/address" 2>"$out/server.log" &
exec 3>"$out/hold"
until grep -q http "$out/address"; do
    kill -0 $! || { cat "$out/server.log" >&2; exit 1; }
    sleep 1
done
address=$(cat "$out/address")

for setting in "1 0.2" "3 0.2" "5 0.2" "1 0.0"; do
    n=${setting% *}
    temperature=${setting#* }
    scenario=$out/best-of-$n-at-$temperature
    sed -e "s|^url = .*|url = \"$address/v1\"|" -e "s|^best_of = .*|best_of = $n|" \
        -e "s|^temperature = .*|temperature = $temperature|" "$here/extraction.toml" >"$scenario.toml"
    "$voicesim" -q run "$scenario.toml" --out "$scenario" --json >"$scenario.json"
    python3 - "best of $n at temperature $temperature" "$scenario.json" <<'END'
import json, sys
name, report = sys.argv[1], json.load(open(sys.argv[2]))
right = report["right_answers"]
e2e = report["metrics"]["e2e_latency"]
print(f"{name}: {right['right']} of {right['of']} right, e2e p50 {e2e['p50_ms']:.0f} ms, p95 {e2e['p95_ms']:.0f} ms")
END
done
