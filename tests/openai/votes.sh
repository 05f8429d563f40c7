#!/bin/sh
# Asks a small language model fifty questions, with a vote of one, three and five answers: the share that is right, and
# when the reply begins. The runs stay in FOLDER/votes.
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

for n in 1 3 5; do
    # Beside the others of its folder, since it names documents from there.
    scenario=$here/extraction-$n.local.toml
    sed -e "s|^url = .*|url = \"$address/v1\"|" -e "s|^best_of = .*|best_of = $n|" "$here/extraction.toml" >"$scenario"
    "$voicesim" run "$scenario" --out "$out/best-of-$n" --json >"$out/best-of-$n.json"
    rm "$scenario"
    python3 - "$n" "$out/best-of-$n.json" <<'END'
import json, sys
n, report = sys.argv[1], json.load(open(sys.argv[2]))
right = report["right_answers"]
e2e = report["latency"]["e2e_latency"]
print(f"best of {n}: {right['right']} of {right['of']} right, "
      f"e2e p50 {e2e['p50_ms']:.0f} ms, p95 {e2e['p95_ms']:.0f} ms")
END
done
