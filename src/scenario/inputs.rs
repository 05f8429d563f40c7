//! The inputs of a simulation: what somebody measured or assumed, each of which could be a little more or less.

use super::engine::{ANSWER_MS, Compute, Engine, EngineTable, STT_MS, TTS_MS};
use super::latency::LatencyModel;
use super::load::ArrivalsTable;
use super::problem::Table;
use super::{EndpointPolicy, ScenarioFile, TopologyName};

/// An input, by its key. What a scenario has several of (turns) is one input, and moves together.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// The key, as `--set` takes it.
    pub key: String,
    /// What it is now, in a few words.
    pub now: String,
    /// Whether it is a count of which a tenth is less than one more, so that it moves by one.
    pub is_by_one: bool,
}

/// Which way an input is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A tenth more; of a count, one more at least.
    More,
    /// A tenth less; of a count, one less at least.
    Less,
}

impl Step {
    fn factor(self) -> f64 {
        match self {
            Step::More => 1.1,
            Step::Less => 0.9,
        }
    }
}

/// Where an input stands in a file.
enum Place<'a> {
    Latency(&'a mut LatencyModel),
    Number(&'a mut f64),
    WholeMs(&'a mut u64),
    Count(&'a mut u32),
}

impl Place<'_> {
    fn now(&self) -> String {
        match self {
            Place::Latency(model) => model.describe(),
            Place::Number(number) => number.to_string(),
            Place::WholeMs(ms) => ms.to_string(),
            Place::Count(count) => count.to_string(),
        }
    }

    /// Moves the input; whether that changed it. What is nothing, or one already, stays.
    fn step(self, step: Step) -> bool {
        let factor = step.factor();
        match self {
            Place::Latency(model) => replace(model, model.times(factor)),
            Place::Number(number) => replace(number, *number * factor),
            Place::WholeMs(ms) => {
                let moved = libm::round(*ms as f64 * factor) as u64;
                replace(ms, moved)
            }
            Place::Count(count) => {
                let tenth = (*count / 10).max(1);
                let moved = match step {
                    Step::More => count.saturating_add(tenth),
                    Step::Less => count.saturating_sub(tenth).max(1),
                };
                replace(count, moved)
            }
        }
    }
}

fn replace<T: PartialEq>(own: &mut T, moved: T) -> bool {
    let is_changed = *own != moved;
    *own = moved;
    is_changed
}

impl ScenarioFile {
    /// The inputs that the scenario has, in the order of its tables. What is nothing at all is none: a tenth more of it
    /// is nothing too.
    pub fn inputs(&self) -> Vec<Input> {
        let mut file = self.clone();
        let mut inputs: Vec<Input> = Vec::new();
        for (key, place) in file.places() {
            let is_by_one = matches!(&place, Place::Count(count) if **count < 20);
            let now = place.now();
            if !place.step(Step::More) {
                continue;
            }
            match inputs.iter_mut().find(|input| input.key == key) {
                Some(input) => input.now = "several".to_owned(),
                None => inputs.push(Input {
                    key,
                    now,
                    is_by_one,
                }),
            }
        }
        inputs
    }

    /// Moves an input by its key; whether that changed anything.
    pub fn step(&mut self, key: &str, step: Step) -> bool {
        let own = self.places().into_iter().filter(|(own, _)| own == key);
        // All of them are moved, also behind one that stays.
        own.fold(false, |is_changed, (_, place)| {
            place.step(step) | is_changed
        })
    }

    /// Every place of an input. A kind of network is written out, so that each of its figures can be moved.
    fn places(&mut self) -> Vec<(String, Place<'_>)> {
        self.network.write_out();
        let is_direct = self.topology == TopologyName::SpeechToSpeech;
        let computes = |compute: &Option<Compute>| compute.is_some();
        let has_compute = [&self.stt.compute, &self.answer.compute, &self.tts.compute]
            .into_iter()
            .any(computes);
        let policy = self.endpointing.parse(Table::at(&["endpointing"]));
        let policy = policy.map(|endpointing| endpointing.policy);
        let mut places: Vec<(String, Place<'_>)> = Vec::new();
        let mut put = |key: &str, place| places.push((key.to_owned(), place));

        for turn in &mut self.turn {
            if let Some(speech) = &mut turn.speech {
                put("turn.speech.length", Place::Latency(&mut speech.length));
                for pause in &mut speech.pauses {
                    put("turn.speech.pauses", Place::Latency(&mut pause.length));
                }
            }
        }
        if let Some(caller) = &mut self.caller {
            put("caller.speech", Place::Latency(&mut caller.speech));
            let has_pauses = caller.pause_every_s > 0.0;
            put(
                "caller.pause_every_s",
                Place::Number(&mut caller.pause_every_s),
            );
            if has_pauses {
                put("caller.pause", Place::Latency(&mut caller.pause));
            }
            put("caller.reaction", Place::Latency(&mut caller.reaction));
            put("caller.patience", Place::Latency(&mut caller.patience));
            for (rate_key, rate, length_key, length) in [
                (
                    "caller.backchannels_per_minute",
                    &mut caller.backchannels_per_minute,
                    "caller.backchannel",
                    &mut caller.backchannel,
                ),
                (
                    "caller.interruptions_per_minute",
                    &mut caller.interruptions_per_minute,
                    "caller.interruption",
                    &mut caller.interruption,
                ),
                (
                    "caller.noises_per_minute",
                    &mut caller.noises_per_minute,
                    "caller.noise",
                    &mut caller.noise,
                ),
            ] {
                if *rate > 0.0 {
                    put(length_key, Place::Latency(length));
                }
                put(rate_key, Place::Number(rate));
            }
        }
        put(
            "network.region_ms",
            Place::Number(&mut self.network.region_ms),
        );
        for (name, way) in [
            ("in", &mut self.network.inbound),
            ("out", &mut self.network.outbound),
        ] {
            let mut put = |key: &str, place| put(&format!("network.{name}.{key}"), place);
            if let Some(delay) = &mut way.delay {
                put("delay", Place::Latency(delay));
            }
            if let Some(jitter) = &mut way.jitter {
                put("jitter", Place::Latency(jitter));
            }
            if let Some(buffer_ms) = &mut way.jitter_buffer_ms {
                put("jitter_buffer_ms", Place::Number(buffer_ms));
            }
            if let Some(loss) = &mut way.loss {
                put("loss", Place::Number(loss));
            }
        }
        put("ear.lag", Place::Latency(&mut self.ear.lag));
        if self.speculation.enabled {
            put("ear.notice", Place::Latency(&mut self.ear.notice));
        }
        let endpointing = &mut self.endpointing;
        match policy {
            Ok(EndpointPolicy::Classifier(_) | EndpointPolicy::Eot(_)) => {
                let share = endpointing.cut_offs.get_or_insert(0.05);
                put("endpointing.cut_offs", Place::Number(share));
            }
            Ok(EndpointPolicy::SmartTurn { .. }) => {
                let patience_ms = endpointing.patience_ms.get_or_insert(1_200);
                put("endpointing.patience_ms", Place::WholeMs(patience_ms));
                let threshold = endpointing.threshold.get_or_insert(0.8);
                put("endpointing.threshold", Place::Number(threshold));
            }
            Ok(EndpointPolicy::Silence(_)) | Err(_) => put(
                "endpointing.silence_ms",
                Place::WholeMs(&mut endpointing.silence_ms),
            ),
        }
        if self.speculation.enabled {
            put(
                "speculation.after_ms",
                Place::WholeMs(&mut self.speculation.after_ms),
            );
        }
        match is_direct {
            true => put(
                "speech_to_speech.latency",
                Place::Latency(&mut self.speech_to_speech.latency),
            ),
            false => {
                let at = Table::ROOT;
                let is_simulated = [
                    self.stt.parse(at).is_ok_and(|engine| engine.is_simulated()),
                    self.answer
                        .parse(at)
                        .is_ok_and(|engine| engine.is_simulated()),
                    self.tts.parse(at).is_ok_and(|engine| engine.is_simulated()),
                ];
                let engines = [
                    ("stt.latency", &mut self.stt.latency, STT_MS),
                    ("answer.latency", &mut self.answer.latency, ANSWER_MS),
                    ("tts.latency", &mut self.tts.latency, TTS_MS),
                ];
                let engines = engines.into_iter().zip(is_simulated);
                for ((key, latency, otherwise_ms), _) in engines.filter(|(_, is_one)| *is_one) {
                    let otherwise = LatencyModel::FixedMs(otherwise_ms.into());
                    put(key, Place::Latency(latency.get_or_insert(otherwise)));
                }
                put("answer.token_ms", Place::Number(&mut self.answer.token_ms));
            }
        }
        if let Some(disturbance) = &mut self.disturbance {
            put("disturbance.begins", Place::Number(&mut disturbance.begins));
            put("disturbance.stays", Place::Number(&mut disturbance.stays));
        }
        if has_compute && !is_direct {
            put("cores", Place::Count(&mut self.cores));
        }
        if let Some(load) = &mut self.load {
            if let Some(calls) = &mut load.calls {
                put("load.calls", Place::Count(calls));
            }
            match &mut load.arrivals {
                Some(ArrivalsTable::PerMinute(rate)) => {
                    put("load.arrivals.per_minute", Place::Number(rate));
                }
                Some(ArrivalsTable::Ramp {
                    from_per_minute,
                    to_per_minute,
                }) => {
                    put("load.arrivals.ramp", Place::Number(from_per_minute));
                    put("load.arrivals.ramp", Place::Number(to_per_minute));
                }
                Some(ArrivalsTable::Trace(_)) | None => {}
            }
            for (stage, pool) in [
                ("stt", &mut self.pool.stt),
                ("answer", &mut self.pool.answer),
                ("tts", &mut self.pool.tts),
                ("speech_to_speech", &mut self.pool.speech_to_speech),
            ] {
                if let Some(pool) = pool {
                    put(
                        &format!("pool.{stage}.slots"),
                        Place::Count(&mut pool.slots),
                    );
                }
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> ScenarioFile {
        toml::from_str(text).expect("a scenario")
    }

    fn keys(file: &ScenarioFile) -> Vec<String> {
        let inputs = file.inputs().into_iter();
        inputs.map(|input| input.key).collect()
    }

    const AGENT: &str = "cores = 2
[caller]
pause_every_s = 0.0
patience = { fixed_ms = 0 }
noises_per_minute = 0.0
[network]
preset = \"webrtc\"
[speculation]
enabled = false
[stt]
engine = \"simulated\"
latency = { preset = \"deepgram-nova-3\" }
compute = { threads = 1 }
[answer]
engine = \"simulated\"
latency = { fixed_ms = 300 }
[tts]
engine = \"simulated\"
";

    #[test]
    fn what_is_nothing_or_not_used_is_no_input() {
        let keys = keys(&file(AGENT));
        for there in [
            "caller.speech",
            "network.in.delay",
            "network.out.jitter_buffer_ms",
            "endpointing.silence_ms",
            "stt.latency",
            "answer.latency",
            "cores",
        ] {
            assert!(keys.iter().any(|key| key == there), "{there}: {keys:?}");
        }
        for absent in [
            "caller.pause",
            "caller.pause_every_s",
            "caller.patience",
            "caller.noise",
            "network.region_ms",
            "speculation.after_ms",
            "answer.token_ms",
            "speech_to_speech.latency",
            "load.calls",
        ] {
            assert!(!keys.iter().any(|key| key == absent), "{absent}: {keys:?}");
        }
    }

    #[test]
    fn an_input_moves_by_a_tenth_and_a_count_by_one() {
        let mut moved = file(AGENT);
        assert!(moved.step("answer.latency", Step::More));
        assert!(moved.step("endpointing.silence_ms", Step::Less));
        assert!(moved.step("cores", Step::More));
        let ms = moved.answer.latency.as_ref().map(LatencyModel::describe);
        assert_eq!(ms, Some(LatencyModel::FixedMs(330.0).describe()));
        assert_eq!((moved.endpointing.silence_ms, moved.cores), (270, 3));
        assert!(moved.step("cores", Step::Less) && moved.step("cores", Step::Less));
        assert!(!moved.step("cores", Step::Less), "one core is the fewest");
        assert!(!moved.step("no.such", Step::More));
    }

    #[test]
    fn a_kind_of_network_is_moved_by_its_figures() {
        let before = file(AGENT);
        let mut moved = before.clone();
        assert!(moved.step("network.in.jitter_buffer_ms", Step::More));
        assert_eq!(moved.network.preset, None);
        assert_eq!(moved.network.inbound.jitter_buffer_ms, Some(44.0));
        assert_eq!(moved.network.outbound.jitter_buffer_ms, Some(40.0));
        assert!(before.parse().is_ok() && moved.parse().is_ok());
    }

    #[test]
    fn all_turns_move_together() {
        let mut moved = file(
            "[[turn]]\nspeech = { length = { fixed_ms = 1000 } }\n[[turn]]\nspeech = { length = { fixed_ms = 2000 } }\n",
        );
        let inputs = moved.inputs();
        let length = inputs
            .iter()
            .find(|input| input.key == "turn.speech.length");
        assert_eq!(length.map(|input| input.now.as_str()), Some("several"));
        assert!(moved.step("turn.speech.length", Step::Less));
        let lengths = moved.turn.iter().map(|turn| match &turn.speech {
            Some(speech) => speech.length.clone(),
            None => panic!("no speech"),
        });
        assert_eq!(
            lengths.collect::<Vec<_>>(),
            [LatencyModel::FixedMs(900.0), LatencyModel::FixedMs(1_800.0)]
        );
    }
}
