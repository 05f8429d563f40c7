#!/bin/sh
# Fits a profile to one setting, predicts others that it was not fitted to, runs them, and compares:
#   validate.sh VOICESIM FOLDER [BLOCKS]
# Settings take turns in blocks of a minute, so that a machine that drifts does so for all of them. Runs that are in FOLDER
# already are kept. Half a minute to a minute a block and setting, with Whisper and Piper on the virtual clock.
set -eu
if ! voicesim=$(realpath -e "$1" 2>/dev/null); then
    echo "$1 is not there; cargo build makes it" >&2
    exit 2
fi
blocks=${3:-5}
mkdir -p "$2"
folder=$(realpath "$2")
cd "$(dirname "$0")/../.."
audio=$(realpath audio)

# A setting: its name, cores, silence, speculation, and what speaks.
settings='base 2 300 false piper
ahead-300 2 300 true piper
ahead-700 2 700 true piper
silence-500 2 500 false piper
one-core 1 300 false piper
one-core-ahead 1 300 true piper'

scenario() { # CORES SILENCE SPECULATION TTS
    printf 'name = "validate"\ncores = %s\n[endpointing]\nsilence_ms = %s\n[speculation]\nenabled = %s\n[tts]\nengine = "%s"\n' "$@"
    sed -n '/^\[\[turn\]\]/,$p' audio/ten-minutes.toml | sed "s|wav = \"fixtures|wav = \"$audio/fixtures|"
}

block=1
while [ "$block" -le "$blocks" ]; do
    echo "$settings" | while read -r name cores silence speculation tts; do
        mkdir -p "$folder/$name"
        scenario "$cores" "$silence" "$speculation" "$tts" > "$folder/$name.toml"
        [ -e "$folder/$name/$block/header.json" ] && continue
        "$voicesim" run "$folder/$name.toml" --clock virtual --no-audio --out "$folder/$name/$block" -q > /dev/null \
            || { code=$?; [ "$code" -eq 1 ] || exit "$code"; }
    done
    block=$((block + 1))
done

"$voicesim" fit "$folder/base" --out "$folder/profile.toml"
echo "$settings" | while read -r name cores silence speculation tts; do
    [ "$name" = base ] && continue
    printf '\n== %s\n' "$name"
    # A bound that is missed is a finding, and no reason to stop.
    "$voicesim" validate "$folder/$name" --profile "$folder/profile.toml" || true
done
