//! Scenarios that are made up: callers, engines, what goes wrong with them and what is done about it, all drawn from one
//! seed.

use std::fmt::Write;
use voicesim::rng::{Seed, Stream};

/// A scenario that is made up, key by key.
struct Made {
    stream: Stream,
    text: String,
    /// Whether one model hears and speaks.
    is_direct: bool,
    /// Whether many calls come at once.
    is_load: bool,
}

/// The text of scenario `number`; each number gives another one.
pub(super) fn scenario(seed: u64, number: u64) -> String {
    let mut made = Made {
        stream: Seed(seed).stream("chaos", number, 0, "scenario"),
        text: String::new(),
        is_direct: false,
        is_load: false,
    };
    made.is_direct = made.one_in(8.0);
    made.is_load = made.one_in(4.0);
    made.head(number);
    made.caller();
    made.policies();
    made.engines();
    if made.is_load {
        made.load();
    }
    for _ in 0..made.ms(0, 4) {
        made.fault();
    }
    for stage in STAGES {
        // A model that hears and speaks has none of the stages that cures are for.
        if !made.is_direct && made.one_in(1.6) {
            made.cure(stage);
        }
    }
    made.text
}

const STAGES: [&str; 3] = ["stt", "answer", "tts"];

const TEXTS: [&str; 4] = [
    "Yes.",
    "We open at ten on bank holidays, and we close at four.",
    "Dr. Smith sees you at 10:30 a.m. Bring your card. It costs $4.50, or nothing with it.",
    "One. Two. Three. Four. Five. Six. Seven. Eight. Nine. Ten. That is all that I can tell you of it today.",
];

impl Made {
    fn between(&mut self, least: f64, most: f64) -> f64 {
        let number = least + (most - least) * self.stream.uniform();
        (number * 100.0).round() / 100.0
    }

    fn ms(&mut self, least: u64, most: u64) -> u64 {
        self.between(least as f64, most as f64) as u64
    }

    fn one_in(&mut self, n: f64) -> bool {
        self.stream.uniform() * n < 1.0
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[(self.stream.uniform() * all.len() as f64) as usize]
    }

    fn add(&mut self, line: &str) {
        let _ = writeln!(self.text, "{line}");
    }

    fn latency(&mut self) -> String {
        let median = self.between(20.0, 900.0);
        let p95 = median * self.between(1.1, 5.0);
        match self.ms(0, 6) {
            0 | 1 => format!("{{ fixed_ms = {median} }}"),
            2 => format!("{{ weibull = {{ median_ms = {median}, p95_ms = {p95:.2} }} }}"),
            3 => format!("{{ gamma = {{ mean_ms = {median}, p95_ms = {p95:.2} }} }}"),
            _ => format!("{{ lognormal = {{ median_ms = {median}, p95_ms = {p95:.2} }} }}"),
        }
    }

    fn head(&mut self, number: u64) {
        let cores = self.ms(1, 5);
        self.add(&format!("seed = {}\ncores = {cores}", number + 1));
        if self.is_direct {
            self.add("topology = \"speech_to_speech\"");
        }
    }

    fn caller(&mut self) {
        let (patience, restarts) = (self.ms(0, 4_000), self.ms(0, 3));
        let pauses = self.between(0.5, 4.0);
        self.add(&format!(
            "[caller]\nquestions = 3\npause_every_s = {pauses}\npatience = {{ fixed_ms = {patience} }}\nrestarts_max = {restarts}"
        ));
        for (key, most) in [
            ("backchannels", 8.0),
            ("interruptions", 10.0),
            ("noises", 5.0),
        ] {
            let rate = self.between(0.0, most);
            self.add(&format!("{key}_per_minute = {rate}"));
        }
    }

    /// What the agent goes by, and what it says besides its answers.
    fn policies(&mut self) {
        let policy = self.of(&["classifier", "vad_500ms", "min_words", "never", "always"]);
        let resume = self.of(&["0", "0", "400", "1500"]);
        self.add(&format!(
            "[interruption]\npolicy = \"{policy}\"\nresume_after_ms = {resume}"
        ));
        let cut_offs = self.between(0.02, 0.4);
        let silence = self.ms(150, 900);
        match self.of(&["silence", "silence", "classifier", "eot"]) {
            "silence" => self.add(&format!("[endpointing]\nsilence_ms = {silence}")),
            policy => self.add(&format!(
                "[endpointing]\npolicy = \"{policy}\"\ncut_offs = {cut_offs}"
            )),
        }
        let speculates = self.of(&["true", "true", "false"]);
        self.add(&format!("[speculation]\nenabled = {speculates}"));
        if self.one_in(4.0) {
            self.add("while_speaking_ms = 500");
        }
        if self.one_in(3.0) {
            let after = self.ms(100, 1_500);
            self.add(&format!("[filler]\nafter_ms = {after}"));
        }
        if self.one_in(2.0) {
            let on = self.of(&["first_turn", "greeting", "when_asked"]);
            self.add(&format!("[disclosure]\non = \"{on}\""));
        }
        if self.one_in(2.0) {
            let preset = self.of(&["webrtc", "telephone", "lan"]);
            self.add(&format!("[network]\npreset = \"{preset}\""));
        }
        if !self.is_direct && self.one_in(3.0) {
            self.add("[clauses]\nopenings = [\"Yes.\", \"One.\", \"We\", \"We open at ten\"]");
        }
    }

    fn engines(&mut self) {
        for stage in STAGES {
            let latency = self.latency();
            self.add(&format!(
                "[{stage}]\nengine = \"simulated\"\nlatency = {latency}"
            ));
            if self.one_in(3.0) {
                let (threads, serial) = (self.ms(1, 5), self.between(0.0, 1.0));
                self.add(&format!(
                    "compute = {{ threads = {threads}, serial = {serial} }}"
                ));
            }
            if stage == "answer" {
                let text = self.of(&TEXTS);
                self.add(&format!("text = \"{text}\""));
                if self.one_in(2.0) {
                    let token = self.between(0.0, 60.0);
                    self.add(&format!("token_ms = {token}"));
                }
                if self.one_in(8.0) {
                    self.add("best_of = 3\naccuracy = 0.7");
                }
            }
        }
        // Other programs disturb a machine that holds one conversation.
        if !self.is_direct && !self.is_load && self.one_in(3.0) {
            let (begins, stays) = (self.between(0.0, 1.0), self.between(0.0, 1.0));
            self.add(&format!(
                "[disturbance]\nbegins = {begins}\nstays = {stays}"
            ));
            let stage = self.of(&STAGES);
            let latency = self.latency();
            self.add(&format!("{stage} = {latency}"));
        }
    }

    /// Many calls at once, on engines that they share.
    fn load(&mut self) {
        let calls = self.ms(1, 9);
        let rates = [60.0, 60.0].map(|most| self.between(1.0, most));
        let (warm_up, measured) = (self.between(0.0, 5.0), self.between(5.0, 25.0));
        self.add("[load]");
        match self.ms(0, 4) {
            0 => self.add(&format!("arrivals = {{ per_minute = {} }}", rates[0])),
            1 => self.add(&format!(
                "arrivals = {{ ramp = {{ from_per_minute = {}, to_per_minute = {} }} }}",
                rates[0], rates[1]
            )),
            2 => {
                // Some of them come at the same time.
                let at = self.between(0.0, warm_up + measured);
                self.add(&format!(
                    "arrivals = {{ trace = [0.0, 0.0, {at}, {at}, {at}] }}"
                ));
            }
            _ => self.add(&format!("calls = {calls}")),
        }
        let whole = warm_up + measured;
        self.add(&format!(
            "warm_up_s = {warm_up:.2}\nduration_s = {whole:.2}"
        ));
        if self.is_direct {
            return self.pool("speech_to_speech");
        }
        for stage in STAGES {
            if self.one_in(2.0) {
                self.pool(stage);
            }
        }
    }

    fn pool(&mut self, stage: &str) {
        let slots = self.ms(1, 5);
        self.add(&format!("[pool.{stage}]\nslots = {slots}"));
        if self.one_in(3.0) {
            let queue = self.ms(0, 6);
            self.add(&format!("queue = {queue}"));
        }
        if self.one_in(4.0) {
            let (batch, wait) = (self.ms(1, 5), self.between(0.0, 200.0));
            self.add(&format!("batch = {batch}\nbatch_wait_ms = {wait}"));
        }
        if self.one_in(4.0) {
            let (rate, burst) = (self.ms(5, 300), self.ms(1, 10));
            self.add(&format!("requests_per_minute = {rate}\nburst = {burst}"));
        }
        if self.one_in(4.0) {
            let (start, idle) = (self.between(0.0, 3_000.0), self.between(1.0, 20.0));
            self.add(&format!("cold_start_ms = {start}\nidle_s = {idle}"));
        }
        if self.one_in(4.0) {
            let (most, waiting, delay) = (self.ms(1, 4), self.ms(0, 4), self.between(0.0, 5.0));
            self.add(&format!(
                "scale = {{ servers_max = {most}, when_waiting = {waiting}, delay_s = {delay} }}"
            ));
        }
    }

    fn fault(&mut self) {
        let stage = match self.is_direct {
            true => "network",
            false => self.of(&["stt", "answer", "tts", "network"]),
        };
        self.add(&format!("[[fault]]\nstage = \"{stage}\""));
        let (from, span) = (self.between(0.0, 30.0), self.between(0.5, 30.0));
        let window = format!("from_s = {from}\nfor_s = {span}");
        if stage == "network" {
            let loss = self.between(0.05, 1.0);
            return self.add(&format!("loss = {loss}\n{window}"));
        }
        let ms = self.ms(0, 8_000);
        match self.of(&["delay", "stall", "error"]) {
            "delay" => self.add(&format!("delay_ms = {ms}")),
            "stall" => self.add(&format!("stall_ms = {ms}\nafter_outputs = {}", ms % 3)),
            _ => self.add(&format!(
                "error = \"out of order\"\nafter_outputs = {}",
                ms % 3
            )),
        }
        let probability = self.between(0.1, 1.0);
        self.add(&format!("probability = {probability}"));
        if self.one_in(2.0) {
            self.add(&window);
        }
    }

    fn cure(&mut self, stage: &str) {
        self.add(&format!("[cure.{stage}]"));
        let first = self.ms(200, 2_000);
        for (key, most) in [("output_timeout_ms", 2_000), ("retries", 4)] {
            if self.one_in(2.0) {
                let value = self.ms(1, most);
                self.add(&format!("{key} = {value}"));
            }
        }
        if self.one_in(1.5) {
            self.add(&format!("first_output_timeout_ms = {first}"));
        }
        if self.one_in(2.0) {
            let after = self.ms(0, first - 1);
            self.add(&format!("hedge_after_ms = {after}"));
        }
        if self.one_in(2.0) {
            let (failures, open) = (self.ms(1, 5), self.between(0.5, 20.0));
            self.add(&format!(
                "breaker = {{ failures = {failures}, open_s = {open} }}"
            ));
        }
        if self.one_in(2.0) {
            let latency = self.latency();
            self.add(&format!(
                "fallback = {{ engine = \"simulated\", latency = {latency} }}"
            ));
        }
    }
}
