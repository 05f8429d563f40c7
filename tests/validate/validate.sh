#!/bin/sh
# Fits a profile to one setting, predicts others that it was not fitted to, runs them, and compares:
#   validate.sh VOICESIM FOLDER [BLOCKS] [real]
# Settings take turns in blocks of a minute, so that a machine that drifts does so for all of them, and before and after
# each block the same question is asked four times on one core: a calibrator, which tells how much it has drifted. Runs
# that are in FOLDER already are kept. A minute a block and setting, with Whisper, and Piper or espeak-ng, on the virtual
# clock, predicted by a profile of the setting of the same voice that stands first; with "real" the first setting is also
# run in real time in the first two blocks, ten minutes each. A page a setting is in FOLDER.
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

# A setting: its name, cores, silence, speculation, the documents that answer, the voice, and the clock.
settings='piper 2 300 false knowledge piper virtual
ahead-300 2 300 true knowledge piper virtual
ahead-700 2 700 true knowledge piper virtual
silence-500 2 500 false knowledge piper virtual
one-core 1 300 false knowledge piper virtual
one-core-ahead 1 300 true knowledge piper virtual
long-answers 2 300 false long piper virtual
espeak 2 300 false knowledge espeak virtual
espeak-one-core 1 300 false knowledge espeak virtual'
[ "${4:-}" = real ] && settings="$settings
real-clock 2 300 false knowledge piper real"

# The same documents, in which a section is one sentence: answers that take longer to say.
mkdir -p "$folder/long"
for page in audio/knowledge/*.md; do
    sed '/^#/!s/\. \(.\)/, and \l\1/g' "$page" > "$folder/long/$(basename "$page")"
done
ln -sfn "$audio/knowledge" "$folder/knowledge"

scenario() { # NAME CORES SILENCE SPECULATION DOCUMENTS VOICE
    printf 'name = "%s"\ncores = %s\n[endpointing]\nsilence_ms = %s\n[speculation]\nenabled = %s\n' "$1" "$2" "$3" "$4"
    printf '[answer]\ndocs = "%s"\n[tts]\nengine = "%s"\n' "$5" "$6"
}
turns() {
    sed -n '/^\[\[turn\]\]/,$p' audio/ten-minutes.toml | sed "s|wav = \"fixtures|wav = \"$audio/fixtures|"
}
run() { # SCENARIO CLOCK OUT
    [ -e "$3/header.json" ] && return
    # A turn that missed what was expected of it is a finding, and no reason to stop.
    "$voicesim" run "$1" --clock "$2" --no-audio --out "$3" -q > /dev/null || { code=$?; [ "$code" -eq 1 ] || exit "$code"; }
}
calibrate() { # VOICE NAME
    run "$folder/calibrator-$1.toml" virtual "$folder/calibrator-$1/$2"
}

for voice in piper espeak; do
    mkdir -p "$folder/calibrator-$voice"
    {
        scenario calibrator 1 300 false knowledge "$voice"
        for turn in 1 2 3 4; do
            printf '[[turn]]\nwav = "%s/fixtures/piper-reply.wav"\n' "$audio"
        done
    } > "$folder/calibrator-$voice.toml"
done
block=1
while [ "$block" -le "$blocks" ]; do
    echo "$settings" | while read -r name cores silence speculation documents voice clock; do
        [ "$clock" = real ] && [ "$block" -gt 2 ] && continue
        mkdir -p "$folder/$name"
        { scenario validate "$cores" "$silence" "$speculation" "$documents" "$voice"; turns; } > "$folder/$name.toml"
        calibrate "$voice" "$block-$name"
        run "$folder/$name.toml" "$clock" "$folder/$name/$block"
    done
    calibrate piper "$block-last"
    calibrate espeak "$block-last"
    block=$((block + 1))
done

for voice in piper espeak; do
    "$voicesim" fit "$folder/$voice" --calibrator "$folder/calibrator-$voice" --out "$folder/$voice.profile.toml"
done
echo "$settings" | while read -r name cores silence speculation documents voice clock; do
    [ "$name" = "$voice" ] && continue
    printf '\n== %s\n' "$name"
    # A bound that is missed is a finding, and no reason to stop.
    "$voicesim" validate "$folder/$name" --profile "$folder/$voice.profile.toml" --calibrator "$folder/calibrator-$voice" \
        --html "$folder/$name.html" || true
done
