#!/bin/sh
# Makes pages of every kind and opens them in a real browser, without a screen: test-pages.sh VOICESIM FOLDER
# The pages and a picture of each stay in FOLDER.
. "$(dirname "$0")/../setup/begin.sh"
pages=$folder/pages
rm -rf "$pages"
mkdir -p "$pages"

quietly() {
    "$voicesim" --quiet "$@" > "$work/said" || [ $? -eq 1 ] || { cat "$work/said" >&2; exit 1; }
}

quietly run --recorded tests/it/data/recorded --out "$work/run" --html "$pages/run.html"

# The same without sound, cut off in the middle, and with words that are none.
python3 tests/browser/hostile.py "$work/run" "$work/a \"hostile\" <b>name"
quietly report "$work/a \"hostile\" <b>name" --html "$pages/hostile.html"

# Long enough that its sound stays beside the page.
python3 tests/browser/longer.py "$work/run" "$pages/long run #1"
quietly report "$pages/long run #1" --html "$pages/long.html"

cat > "$work/agent.toml" <<'END'
[stt]
engine = "simulated"
latency = { fixed_ms = 120 }
[answer]
engine = "simulated"
latency = { fixed_ms = 200 }
[tts]
engine = "simulated"
latency = { fixed_ms = 90 }
END

# Six turns, of which one is much slower than the others.
{
    printf 'name = "one slow answer"\n'
    cat "$work/agent.toml"
    printf '[[fault]]\nstage = "answer"\ndelay_ms = 3600\ninputs = [4]\n'
    for turn in 1 2 3 4 5 6; do
        printf '[[turn]]\nspeech = { length = { fixed_ms = 1%s00 } }\n' "$turn"
    done
} > "$work/slow.toml"
quietly run "$work/slow.toml" --clock virtual --out "$work/slow"
quietly report "$work/slow" --html "$pages/slow.html"

quietly simulate audio/simulations/load.toml --conversations 8 --set budget.e2e_latency_p95_ms=700 \
    --set budget.e2e_latency_p50_ms=900 --set budget.missed_barge_ins_max=0 --out "$work/load"
quietly report "$work/load" --html "$pages/load.html"
quietly simulate audio/simulations/assistant.toml --conversations 500 --out "$work/simulation" --html "$pages/simulation.html"
quietly report tests/it/data/interruptions --html "$pages/calls.html"
quietly measure --no-transcribe "$work/run/conversation.wav" --html "$pages/call.html"
# So long that its worst moments alone are kept.
quietly measure --no-transcribe "$pages/long run #1/conversation.wav" --out "$work/long-call" --html "$pages/moments.html"
quietly measure --no-transcribe "$work/run/conversation.wav" --no-audio --html "$pages/silent.html"
quietly simulate audio/simulations/assistant.toml --conversations 500 --set speculation.enabled=false --out "$work/slower"
# What is not predicted has a page too.
for seed in 1 2 3 4; do
    { printf 'seed = %s\n' "$seed"; cat "$work/slow.toml"; } > "$work/slow-$seed.toml"
    quietly run "$work/slow-$seed.toml" --clock virtual --out "$work/slow-runs/$seed"
done
quietly fit "$work/slow-runs" --out "$work/slow-profile.toml" --html "$pages/fit.html"
quietly validate "$work/slow-runs" --profile "$work/slow-profile.toml" --html "$pages/validation.html"
quietly compare "$work/simulation" "$work/slower" --html "$pages/compare.html"
quietly sweep audio/simulations/endpointing.toml --vary endpointing.silence_ms=200,300,400,500 --conversations 200 --html "$pages/sweep.html"
quietly plan audio/simulations/endpointing.toml --vary endpointing.silence_ms=200,300,400,500 --conversations 200 \
    --set budget.e2e_latency_p95_ms=1500 --html "$pages/plan.html"

# Every step of an agent by segment: two voices, in quiet and in noise.
{
    printf 'name = "two voices"\nscenario = "agent.toml"\naugment = ["quiet", "noise=10"]\n'
    for voice in piper en-us; do
        for recording in reply pause average graphics recording; do
            printf '[[turn]]\nwav = "%s/audio/fixtures/%s-%s.wav"\ntext = "one two three"\n' "$PWD" "$voice" "$recording"
            printf 'answer_has = ["four"]\nlabels = { voice = "%s" }\n' "$voice"
        done
    done
} > "$work/suite.toml"
quietly eval run "$work/suite.toml" --out "$work/evaluated" --no-round-trip --html "$pages/eval.html"

python3 tests/browser/pages.py "$pages"

# Two systems compared by ear: the other one says the same, and more.
python3 tests/browser/answers.py "$work/run" "$work/another run"
python3 tests/browser/listen.py "$voicesim" "$work/run" "$work/another run" "$folder"
