//! From features to the probability of an interruption, and why.

mod logistic;
mod trees;
mod weights;

pub use logistic::{Knot, Logistic};
pub use trees::{Node, Trees};
pub use weights::{
    Calibration, Classifier, Predictor, SCHEMA, Threshold, Thresholds, Weights, WeightsError,
    shipped, threshold_at,
};

use super::features::{FEATURES, Values};

/// Judges a sound from its features alone. It allocates nothing and remembers nothing.
pub trait Model {
    /// Log-odds of an interruption, before calibration: any finite number.
    fn log_odds(&self, values: &Values) -> f64;

    /// How much each feature added to the log-odds, against the average sound of the training
    /// data.
    fn contributions(&self, values: &Values) -> Values;
}

/// The probability of these log-odds, in 0..1.
pub fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-log_odds))
}

/// The log-odds of this probability.
pub fn logit(probability: f64) -> f64 {
    libm::log(probability / (1.0 - probability))
}

/// The features that spoke most for an interruption (`sign` 1) or against it (-1), strongest
/// first, for people to read.
pub fn reasons(values: &Values, contributions: &Values, sign: f64) -> Vec<String> {
    let mut order: Vec<usize> = (0..FEATURES.len()).collect();
    order.sort_by(|a, b| (sign * contributions[*b]).total_cmp(&(sign * contributions[*a])));
    let spoke = order.into_iter().take(3);
    spoke
        .filter(|index| sign * contributions[*index] > 0.0)
        .map(|index| reason(index, values[index], contributions[index]))
        .collect()
}

fn reason(index: usize, value: f64, contribution: f64) -> String {
    let value = format!("{value:.2}");
    let value = value.trim_end_matches('0').trim_end_matches('.');
    format!("{}: {value} ({contribution:+.2})", FEATURES[index].phrase)
}

#[cfg(test)]
mod tests {
    // An allocator that counts cannot be written without.
    #![allow(unsafe_code)]

    use super::*;
    use crate::interrupt::features::{COUNT, features};
    use crate::interrupt::heard::{Context, Evidence, Heard, Interval, Word};
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;
    use std::time::Duration;

    /// Counts what each thread allocates.
    struct Counting;

    thread_local! {
        static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    }

    // SAFETY: hands everything on to the system's allocator.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
            unsafe { System.dealloc(place, layout) }
        }
    }

    #[global_allocator]
    static COUNTING: Counting = Counting;

    fn look(words: Option<&[Word]>) -> Values {
        let context = Context {
            agent_tail: "which is why I think we should".to_owned(),
            agent_elapsed_s: 3.0,
            ..Context::default()
        };
        let activity = [Interval {
            on: Duration::ZERO,
            off: None,
        }];
        let before = ALLOCATIONS.get();
        let values = features(&Heard {
            since_onset: Duration::from_millis(700),
            activity: &activity,
            words,
            context: &context,
        });
        assert_eq!(ALLOCATIONS.get(), before, "features allocate");
        values
    }

    #[test]
    fn predicting_allocates_nothing() {
        let words = ["yeah", "but"].map(|text| Word {
            known_at: Duration::from_millis(500),
            text: text.to_owned(),
        });
        let weights = shipped().expect("weights");
        for evidence in [Evidence::Words, Evidence::Sound] {
            let values = look(Some(&words));
            let before = ALLOCATIONS.get();
            let p = weights.classifier(evidence).probability(&values);
            weights.classifier(evidence).contributions(&values);
            assert_eq!(ALLOCATIONS.get(), before);
            assert!(0.0 < p && p < 1.0);
        }
    }

    fn logistic() -> Logistic {
        let knot = |at_s, intercept, weight| Knot {
            at_s,
            intercept,
            weights: vec![weight; COUNT],
        };
        Logistic {
            means: vec![0.0; COUNT],
            knots: vec![knot(0.2, 0.0, 0.1), knot(0.4, 1.0, 0.3)],
        }
    }

    #[test]
    fn contributions_add_up_to_the_log_odds() {
        let values = look(None);
        let weights = shipped().expect("weights");
        let sum = |model: &dyn Model| model.contributions(&values).iter().sum::<f64>();
        let difference = |model: &dyn Model| model.log_odds(&values) - sum(model);
        assert!((difference(&logistic()) - 1.0).abs() < 1e-9);
        for evidence in [Evidence::Words, Evidence::Sound] {
            let model = weights.classifier(evidence).predictor.model();
            let other = look(Some(&[]));
            let of_other = model.log_odds(&other) - model.contributions(&other).iter().sum::<f64>();
            // What is left is the base and the mean of each tree: the same for every sound.
            assert!((difference(model) - of_other).abs() < 1e-9);
        }
    }

    #[test]
    fn between_two_knots_the_log_odds_lie_on_a_line() {
        let mut values = [0.0; COUNT];
        let mut at = |time_s: f64| {
            values[0] = time_s;
            logistic().log_odds(&values) - logistic().contributions(&values).iter().sum::<f64>()
        };
        assert!((at(0.3) - 0.5).abs() < 1e-9);
        assert_eq!((at(0.1), at(2.0)), (0.0, 1.0));
    }

    #[test]
    fn weights_for_other_features_are_refused() {
        let text = shipped().expect("weights").as_text().expect("text");
        assert_eq!(
            &Weights::of_text(&text).expect("weights"),
            shipped().expect("weights")
        );
        let renamed = text.replacen("voiced_s", "volume", 1);
        assert!(matches!(
            Weights::of_text(&renamed),
            Err(WeightsError::OfAnotherVersion)
        ));
        assert!(matches!(Weights::of_text("{}"), Err(WeightsError::Json(_))));
    }
}
