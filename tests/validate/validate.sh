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

# A setting: its name, cores, silence, speculation, the documents that answer, and the clock.
settings='base 2 300 false knowledge virtual
ahead-300 2 300 true knowledge virtual
ahead-700 2 700 true knowledge virtual
silence-500 2 500 false knowledge virtual
one-core 1 300 false knowledge virtual
one-core-ahead 1 300 true knowledge virtual
long-answers 2 300 false long virtual'
[ "${4:-}" = real ] && settings="$settings
real-clock 2 300 false knowledge real"

# The same documents, in which a section is one sentence: answers that take longer to say.
mkdir -p "$folder/long"
for page in audio/knowledge/*.md; do
    sed '/^#/!s/\. \(.\)/, and \l\1/g' "$page" > "$folder/long/$(basename "$page")"
done
ln -sfn "$audio/knowledge" "$folder/knowledge"

scenario() { # NAME CORES SILENCE SPECULATION DOCUMENTS
    printf 'name = "%s"\ncores = %s\n[endpointing]\nsilence_ms = %s\n[speculation]\nenabled = %s\n' "$1" "$2" "$3" "$4"
    printf '[answer]\ndocs = "%s"\n[tts]\nengine = "piper"\n' "$5"
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
    scenario calibrator 1 300 false knowledge
    for turn in 1 2 3 4; do
        printf '[[turn]]\nwav = "%s/fixtures/piper-reply.wav"\n' "$audio"
    done
} > "$folder/calibrator.toml"
block=1
while [ "$block" -le "$blocks" ]; do
    echo "$settings" | while read -r name cores silence speculation documents clock; do
        mkdir -p "$folder/$name"
        { scenario validate "$cores" "$silence" "$speculation" "$documents"; turns; } > "$folder/$name.toml"
        calibrate "$block-$name"
        run "$folder/$name.toml" "$clock" "$folder/$name/$block"
    done
    calibrate "$block-last"
    block=$((block + 1))
done

"$voicesim" fit "$folder/base" --calibrator "$folder/calibrator" --out "$folder/profile.toml"
echo "$settings" | while read -r name cores silence speculation documents clock; do
    [ "$name" = base ] && continue
    printf '\n== %s\n' "$name"
    # A bound that is missed is a finding, and no reason to stop.
    "$voicesim" validate "$folder/$name" --profile "$folder/profile.toml" --calibrator "$folder/calibrator" \
        --html "$folder/$name.html" || true
done
