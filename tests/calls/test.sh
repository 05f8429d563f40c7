#!/bin/sh
# Makes calls from voices, music and noises that are not the project's own, and judges how they are measured:
# test.sh VOICESIM FOLDER [rooms [others] | interruptions [EACH [POLICY...]] | ends [SETTING...] | halves]; with `rooms` what rooms do
# to endpoints instead, with `interruptions` what they do to those, with `ends` where voices end for the ear, with `halves`
# what each endpointing policy does in pauses inside of sentences. What is fetched is kept in FOLDER:
# Debian packages of some 300 MB that are unpacked there and not installed, and Python packages.
. "$(dirname "$0")/../setup/begin.sh"
voices="asterisk-core-sounds-en-wav asterisk-core-sounds-es-wav asterisk-core-sounds-fr-wav
asterisk-core-sounds-it-wav asterisk-core-sounds-ru-wav flite libflite1"
music="extremetuxracer-data neverball-data"

if [ ! -d "$folder/voices" ]; then
    fresh=$(mktemp -d "$folder/fresh-XXXXXX")
    trap 'rm -rf "$fresh" "$work"' EXIT
    # shellcheck disable=SC2086
    if ! (cd "$fresh" && apt-get download $voices $music); then
        echo "these Debian packages cannot be fetched: $voices $music" >&2
        exit 3
    fi
    for package in "$fresh"/*.deb; do
        dpkg -x "$package" "$fresh/voices"
    done
    mv -T "$fresh/voices" "$folder/voices"
fi
if [ "${3:-}" = rooms ]; then
    rooms="$folder/rooms${4:-}"
    if [ ! -f "$rooms/truth.json" ]; then
        python3 tests/rooms/make.py "$folder/voices" "$rooms" ${4:+"$4"}
    fi
    python3 tests/rooms/judge.py "$rooms" "$voicesim"
    exec python3 tests/rooms/softer.py "$folder/voices" "$folder/softer" "$voicesim"
fi
if [ "${3:-}" = interruptions ]; then
    shift 3
    exec python3 tests/rooms/interruptions.py "$folder/voices" "$folder/interruptions" "$voicesim" "$@"
fi
if [ "${3:-}" = ends ]; then
    shift 3
    exec python3 tests/rooms/ends.py "$folder/voices" "$folder/ends" "$voicesim" "$@"
fi
if [ "${3:-}" = halves ]; then
    exec python3 tests/rooms/halves.py "$folder/voices" "$folder/halves" "$voicesim"
fi
if [ ! -f "$folder/calls/truth.json" ]; then
    python3 tests/calls/make.py "$folder/voices" "$folder/calls"
fi
python3 tests/calls/judge.py "$folder/calls" "$voicesim"
