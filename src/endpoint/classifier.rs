//! A policy that weighs the cost of cutting off against the cost of waiting, by the words so far and the timing.

use super::clues::Clues;
use super::pause::{PAUSE_MIN, Pause, Turn};
use super::weights::{Scores, Weights};
use super::{Action, Decision, EndpointPolicy, Observation};
use crate::event::Tick;
use std::time::Duration;

/// Nothing is decided earlier: no words are known by then.
const SILENCE_MIN: Duration = Duration::from_millis(200);
/// Who says nothing for so long has finished.
const SILENCE_MAX: Duration = Duration::from_millis(2_500);
/// The silences that come into question lie this far apart.
const STEP: Duration = Duration::from_millis(20);
/// How much of what clues say is believed: callers differ from those of the data.
const TRUST: f64 = 0.75;
/// How much of what the numbers say counts beside a judge of the sound. They tell long turns of meetings, with many pauses,
/// from short ones; a caller who has paused once in a sentence is not the less likely to have finished it.
const NUMBERS_BESIDE_SOUND: f64 = 1.0 / 3.0;

/// Commits after the silence at which waiting longer costs more than the cut-offs that it avoids.
///
/// A cut-off has a price in milliseconds of waiting, which follows from the share of pauses that may be cut. Of
/// all silences that are still to come, the policy chooses the cheapest, and chooses again when words become
/// known.
#[derive(Debug)]
pub struct Classifier<'a> {
    weights: &'a Weights,
    with_words: Plan,
    timing_only: Plan,
    /// How much of what the numbers say counts, in 0..=1.
    numbers: f64,
    turn: Turn,
}

/// What a cut-off costs, in milliseconds of waiting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PricesMs {
    /// Where words are known.
    pub(super) with_words: f64,
    /// Where they are not.
    pub(super) timing_only: f64,
}

impl PricesMs {
    /// One price for both.
    pub(super) fn both(price_ms: f64) -> PricesMs {
        PricesMs {
            with_words: price_ms,
            timing_only: price_ms,
        }
    }
}

/// Something more that becomes known of a pause.
#[derive(Debug, Clone, Copy)]
pub(super) struct News<'c> {
    /// The silence after which it is known.
    pub(super) after: Duration,
    /// All clues that are known by then.
    pub(super) clues: &'c Clues,
    /// What the sound adds to the log-odds, as far as that is known by then.
    pub(super) sound: f64,
}

/// What a silence costs, for the average pause.
#[derive(Debug)]
struct Plan {
    /// Silences that come into question, in order, each with the price of its cut-offs in milliseconds.
    costs: Vec<(Duration, f64)>,
}

/// How long the policy waits in a pause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// The silence after which it commits.
    pub silence: Duration,
    /// The log-odds that the caller has finished, after that silence.
    pub log_odds: f64,
}

impl Planned {
    /// The probability that the caller has finished, in 0..1.
    pub fn probability(&self) -> f64 {
        1.0 / (1.0 + libm::exp(-self.log_odds))
    }
}

/// The silences that come into question, the shortest first.
pub(super) fn silences() -> impl Iterator<Item = Duration> {
    let steps = (SILENCE_MAX - SILENCE_MIN).as_nanos() / STEP.as_nanos();
    let steps = u32::try_from(steps).unwrap_or(u32::MAX);
    (0..=steps).map(|step| SILENCE_MIN + STEP * step)
}

impl Plan {
    fn of(scores: &Scores, cut_offs: f64) -> Plan {
        Plan::at(scores, scores.price_ms(cut_offs))
    }

    fn at(scores: &Scores, price_ms: f64) -> Plan {
        let cost = |silence| {
            let pauses_an_end = libm::exp(-scores.of_silence(silence));
            (silence, price_ms * pauses_an_end)
        };
        Plan {
            costs: silences().map(cost).collect(),
        }
    }

    /// The cheapest silence that is not over, if this is added to the log-odds.
    fn cheapest(&self, added: f64, silence_so_far: Duration) -> Duration {
        let factor = libm::exp(-added);
        let to_come = self.costs.iter().filter(|(at, _)| *at >= silence_so_far);
        let cost = |(at, price): &(Duration, f64)| at.as_secs_f64() * 1e3 + factor * price;
        let cheapest = to_come.min_by(|a, b| cost(a).total_cmp(&cost(b)));
        cheapest.map_or(silence_so_far, |(at, _)| *at)
    }
}

impl<'a> Classifier<'a> {
    /// A policy by these weights that may take this share of pauses for the end, 0.01 to 0.5.
    pub fn new(weights: &'a Weights, cut_offs: f64) -> Classifier<'a> {
        Classifier {
            weights,
            with_words: Plan::of(&weights.with_words, cut_offs),
            timing_only: Plan::of(&weights.timing_only, cut_offs),
            numbers: 1.0,
            turn: Turn::default(),
        }
    }

    /// A policy by these weights with a price of a cut-off, in milliseconds of waiting.
    pub fn at_price(weights: &'a Weights, price_ms: f64) -> Classifier<'a> {
        let prices = PricesMs::both(price_ms);
        Classifier {
            numbers: 1.0,
            ..Classifier::beside_sound(weights, prices)
        }
    }

    /// A policy by these weights that is asked together with a judge of the sound.
    pub(super) fn beside_sound(weights: &'a Weights, prices: PricesMs) -> Classifier<'a> {
        Classifier {
            weights,
            with_words: Plan::at(&weights.with_words, prices.with_words),
            timing_only: Plan::at(&weights.timing_only, prices.timing_only),
            numbers: NUMBERS_BESIDE_SOUND,
            turn: Turn::default(),
        }
    }

    /// How long the policy waits in a pause that has lasted for `silence_so_far`, by what is known of it.
    pub fn plan(&self, pause: &Pause, silence_so_far: Duration) -> Planned {
        self.planned(&Clues::of(pause), 0.0, silence_so_far)
    }

    /// The silence after which the policy commits in a pause whose words are known `word_delay` after it began.
    pub fn commits_after(&self, pause: &Pause, word_delay: Duration) -> Duration {
        let clues = Clues::of(pause);
        let timing = clues.clone().without_words();
        let of = |after, clues| News {
            after,
            clues,
            sound: 0.0,
        };
        let words = clues.words.is_some().then(|| of(word_delay, &clues));
        self.settles([of(Duration::ZERO, &timing)].into_iter().chain(words))
    }

    /// The silence after which the policy commits in a pause of which more and more becomes known, the earliest first.
    /// What comes too late is not waited for.
    pub(super) fn settles<'c>(&self, news: impl IntoIterator<Item = News<'c>>) -> Duration {
        let mut silence = None;
        for News {
            after,
            clues,
            sound,
        } in news
        {
            if silence.is_some_and(|silence| silence < after) {
                break;
            }
            silence = Some(self.planned(clues, sound, after).silence);
        }
        silence.unwrap_or(SILENCE_MAX)
    }

    /// How long the policy waits, by these clues and what the sound adds to the log-odds.
    pub(super) fn planned(&self, clues: &Clues, sound: f64, silence_so_far: Duration) -> Planned {
        let scores = self.weights.scores(clues);
        let plan = match clues.words {
            Some(_) => &self.with_words,
            None => &self.timing_only,
        };
        let added = scores.of_clues(clues, self.numbers);
        let silence = plan.cheapest(TRUST * added + sound, silence_so_far);
        Planned {
            silence,
            log_odds: scores.of_silence(silence) + added + sound,
        }
    }

    /// The pause that lasts, and when it began.
    pub(super) fn pause(&self) -> Option<(Tick, Pause)> {
        Some((self.turn.silent_since()?, self.turn.pause()?))
    }

    /// What to do about the pause that lasts, by what is known and what the sound adds to the log-odds, with the
    /// `reason` that is told for it.
    pub(super) fn weigh(&self, now: Tick, sound: f64, reason: Option<String>) -> Decision {
        let Some((since, pause)) = self.pause() else {
            return Decision::wait();
        };
        let clues = Clues::of(&pause);
        let planned = self.planned(&clues, sound, now.since(since));
        let scores = self.weights.scores(&clues);
        // Who answers sooner than by the timing of the average pause has reasons to, and who waits longer too.
        let average = scores.of_silence(planned.silence);
        let sign = if planned.log_odds >= average {
            1.0
        } else {
            -1.0
        };
        let waits_ms = planned.silence.as_millis();
        let mut reasons = vec![format!("silence of {waits_ms} ms")];
        reasons.extend(reason);
        reasons.extend(scores.reasons(&clues, sign, self.numbers));
        reasons.truncate(REASONS_MAX);
        Decision {
            action: Action::Commit {
                at: since + planned.silence,
            },
            // More digits say nothing, and a record repeats them all.
            probability: Some((planned.probability() * 1e4).round() / 1e4),
            reasons,
        }
    }

    /// When the caller has finished with at least this probability if nothing else is heard, if the sound adds this to
    /// the log-odds. While the caller speaks, `now` or never, by the words so far alone, as if the shortest pause lay behind
    /// them.
    pub(super) fn likely_by(&self, probability: f64, sound: f64, now: Tick) -> Option<Tick> {
        let (since, pause, numbers) = match self.pause() {
            Some((since, pause)) => (Some(since), pause, self.numbers),
            // The numbers are those of a pause, and there is none.
            None => (None, self.turn.pause_behind_words()?, 0.0),
        };
        let clues = Clues::of(&pause);
        let scores = self.weights.scores(&clues);
        let least = libm::log(probability / (1.0 - probability));
        let lacks = least - scores.of_clues(&clues, numbers) - sound;
        let is_enough = |silence: &Duration| scores.of_silence(*silence) >= lacks;
        let Some(since) = since else {
            return is_enough(&PAUSE_MIN).then_some(now);
        };
        let so_far = now.since(since).max(PAUSE_MIN);
        let first = [so_far]
            .into_iter()
            .chain(silences())
            .find(|silence| *silence >= so_far && is_enough(silence))?;
        Some((since + first).max(now))
    }
}

/// Reasons that are told of a decision.
const REASONS_MAX: usize = 3;

impl EndpointPolicy for Classifier<'_> {
    fn name(&self) -> &'static str {
        "classifier"
    }

    fn observe(&mut self, what: Observation<'_>) {
        self.turn.observe(&what);
    }

    fn decide(&mut self, now: Tick) -> Decision {
        self.weigh(now, 0.0, None)
    }

    fn reads_words(&self) -> bool {
        true
    }

    fn likely_by(&self, probability: f64, now: Tick) -> Option<Tick> {
        Classifier::likely_by(self, probability, 0.0, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Before;
    use crate::endpoint::weights::shipped;
    use proptest::prelude::*;

    const MS: fn(u64) -> Tick = Tick::from_ms;

    fn policy(cut_offs: f64) -> Classifier<'static> {
        Classifier::new(shipped().expect("weights"), cut_offs)
    }

    fn paused(cut_offs: f64) -> Classifier<'static> {
        let mut policy = policy(cut_offs);
        let before = Before::default();
        policy.observe(Observation::Started {
            onset: MS(0),
            before,
        });
        let last_voiced = MS(1_500);
        policy.observe(Observation::Paused { last_voiced });
        policy
    }

    fn commits_at(policy: &mut Classifier<'_>, now: u64) -> Option<u64> {
        match policy.decide(MS(now)).action {
            Action::Commit { at } => Some(at.0 / 1_000_000),
            _ => None,
        }
    }

    fn says(policy: &mut Classifier<'_>, text: &str, now: u64) -> Option<u64> {
        let at = MS(now);
        policy.observe(Observation::Words { text, at });
        commits_at(policy, now)
    }

    #[test]
    fn words_change_the_mind_of_the_policy_while_the_pause_lasts() {
        let mut waiting = paused(0.1);
        let by_timing = commits_at(&mut waiting, 1_532).expect("a commit");
        let goes_on = says(&mut waiting, "I'd like a table for the", 1_700).expect("a commit");
        let over = says(&mut paused(0.1), "Okay, thanks.", 1_700).expect("a commit");
        assert!(
            over < by_timing && by_timing < goes_on,
            "{over} {by_timing} {goes_on}"
        );
    }

    #[test]
    fn who_speaks_has_not_finished() {
        let mut going = paused(0.1);
        going.observe(Observation::Resumed { at: MS(1_700) });
        assert_eq!(commits_at(&mut going, 1_700), None);
    }

    #[test]
    fn words_tell_while_the_caller_speaks_whether_that_was_probably_all() {
        let mut speaking = policy(0.1);
        let before = Before::default();
        let (onset, now) = (MS(0), MS(1_500));
        speaking.observe(Observation::Started { onset, before });
        assert_eq!(speaking.likely_by(0.01, 0.0, now), None, "nothing is known");
        let mut likely = |text, probability| {
            speaking.observe(Observation::Words { text, at: now });
            speaking.likely_by(probability, 0.0, now)
        };
        assert_eq!(likely("Okay, thanks.", 0.1), Some(now));
        assert_eq!(likely("I'd like a table for the", 0.1), None);
        assert_eq!(likely("I'd like a table for the", 0.001), Some(now));
    }

    #[test]
    fn words_that_come_late_are_not_decided_on_in_the_past() {
        let mut waiting = paused(0.3);
        let over = says(&mut waiting, "Okay, thanks.", 3_000).expect("a commit");
        assert!(over >= 3_000);
    }

    #[test]
    fn words_that_never_come_are_not_waited_for() {
        let wordless = Pause {
            turn_s: 1.5,
            ..Pause::default()
        };
        let after =
            |delay_ms| policy(0.3).commits_after(&wordless, Duration::from_millis(delay_ms));
        assert!(after(0) < Duration::from_millis(1_000));
        assert_eq!(after(1_000), after(0));
    }

    #[test]
    fn a_decision_says_what_it_is_based_on() {
        let mut waiting = paused(0.1);
        let text = "I'd like a table for the";
        waiting.observe(Observation::Words {
            text,
            at: MS(1_700),
        });
        let decision = waiting.decide(MS(1_700));
        assert!(decision.probability.is_some());
        assert!(
            decision.reasons[0].starts_with("silence of "),
            "{decision:?}"
        );
        assert!(decision.reasons.len() > 1, "{decision:?}");
    }

    #[test]
    fn longer_silence_is_the_end_more_probably() {
        let weights = shipped().expect("weights");
        for scores in [&weights.with_words, &weights.timing_only] {
            let log_odds: Vec<f64> = silences().map(|it| scores.of_silence(it)).collect();
            assert!(log_odds.is_sorted(), "{log_odds:?}");
        }
    }

    proptest! {
        #[test]
        fn a_plan_lies_ahead_and_fewer_cut_offs_take_longer(
            added in -20.0..20.0_f64, so_far in 0..2_500_u64, cut_offs in 0.01..0.45_f64,
        ) {
            let so_far = Duration::from_millis(so_far);
            let [strict, lax] = [cut_offs, cut_offs + 0.05].map(|it| {
                policy(it).with_words.cheapest(added, so_far)
            });
            prop_assert!(lax >= so_far && lax >= SILENCE_MIN && strict <= SILENCE_MAX);
            prop_assert!(lax <= strict);
        }
    }
}
