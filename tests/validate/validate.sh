#!/bin/sh
# Fits a profile to one setting, predicts others that it was not fitted to, runs them, and compares:
#   validate.sh VOICESIM FOLDER [BLOCKS] [real]
# Settings take turns in blocks of a minute, so that a machine that drifts does so for all of them, and before and after
# each block the same question is asked four times on one core: a calibrator, which tells how much it has drifted. Runs
# that are in FOLDER already are kept. A minute a block and setting, with Whisper and Piper on the virtual clock; with
# "real" the first setting is also run in real time, ten minutes a block more. A page a setting is in FOLDER.
set -eu
if ! voicesim=$(realpath -e "$1" 2>/dev/null); then
    echo "$1 is not there; cargo build makes it" >&2
    exit 2
fi
blocks=${3:-5}
case "${4:-}" in
'' | real) ;;
*)
    echo "$4 is no setting; give real, or leave it out" >&2
    exit 2
    ;;
esac
mkdir -p "$2"
folder=$(realpath "$2")
cd "$(dirname "$0")/../.."
audio=$(realpath audio)

# A setting: its name, cores, silence, speculation, and the clock.
settings='base 2 300 false virtual
ahead-300 2 300 true virtual
ahead-700 2 700 true virtual
silence-500 2 500 false virtual
one-core 1 300 false virtual
one-core-ahead 1 300 true virtual'
[ "${4:-}" = real ] && settings="$settings
real-clock 2 300 false real"

scenario() { # NAME CORES SILENCE SPECULATION
    printf 'name = "%s"\ncores = %s\n[endpointing]\nsilence_ms = %s\n[speculation]\nenabled = %s\n[tts]\nengine = "piper"\n' "$@"
}
turns() {
    sed -n '/^\[\[turn\]\]/,$p' audio/ten-minutes.toml | sed "s|wav = \"fixtures|wav = \"$audio/fixtures|"
}
run() { # SCENARIO CLOCK OUT
    [ -e "$3/header.json" ] && return
    # A turn that missed what was expected of it is a finding, and no reason to stop.
    "$voicesim" run "$1" --clock "$2" --no-audio --out "$3" -q > /dev/null || { code=$?; [ "$code" -eq 1 ] || exit "$code"; }
}
calibrate() { # NAME
    run "$folder/calibrator.toml" virtual "$folder/calibrator/$1"
}

mkdir -p "$folder/calibrator"
{
    scenario calibrator 1 300 false
    for turn in 1 2 3 4; do
        printf '[[turn]]\nwav = "%s/fixtures/piper-reply.wav"\n' "$audio"
    done
} > "$folder/calibrator.toml"
block=1
while [ "$block" -le "$blocks" ]; do
    echo "$settings" | while read -r name cores silence speculation clock; do
        mkdir -p "$folder/$name"
        { scenario validate "$cores" "$silence" "$speculation"; turns; } > "$folder/$name.toml"
        calibrate "$block-$name"
        run "$folder/$name.toml" "$clock" "$folder/$name/$block"
    done
    calibrate "$block-last"
    block=$((block + 1))
done

"$voicesim" fit "$folder/base" --calibrator "$folder/calibrator" --out "$folder/profile.toml"
echo "$settings" | while read -r name cores silence speculation clock; do
    [ "$name" = base ] && continue
    printf '\n== %s\n' "$name"
    # A bound that is missed is a finding, and no reason to stop.
    "$voicesim" validate "$folder/$name" --profile "$folder/profile.toml" --calibrator "$folder/calibrator" \
        --html "$folder/$name.html" || true
done
