#!/bin/sh
# Whether merged shards are what one run of all conversations gives, to the byte: same.sh MERGED UNSHARDED
set -eu
merged=$1
whole=$2

differs=0
for file in turns.bin events.jsonl latency.hlog totals.json report.json report.txt; do
    if [ ! -s "$whole/$file" ] || [ ! -s "$merged/$file" ]; then
        echo "$file is missing or empty in $merged or in $whole" >&2
        differs=1
    elif ! cmp "$merged/$file" "$whole/$file" >&2; then
        differs=1
    fi
done

# A header tells where and when besides.
for folder in "$merged" "$whole"; do
    if ! sed '/^  "machine": /d; /^  "started": /d' "$folder/header.json" > "$folder/header.compared"; then
        exit 1
    fi
done
if ! diff "$merged/header.compared" "$whole/header.compared" >&2; then
    echo "header.json differs in more than machine and started" >&2
    differs=1
fi
exit "$differs"
