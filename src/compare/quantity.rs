//! What is compared: spans of hops and metrics, and rates.

use crate::event::{Hop, Metric};

/// Spans of time: hops in path order, then metrics. A span's place is its number.
pub(super) const SPANS: usize = Hop::ALL.len() + Metric::ALL.len();

/// The rates: counts for each turn that could be counted, and word errors for each word.
pub const RATES: [&str; 9] = [
    "false_barge_ins",
    "missed_barge_ins",
    "spurious_responses",
    "missed_responses",
    "cut_offs",
    "failed_turns",
    "unanswered",
    "wer",
    "voided_commits",
];

/// The places of rates that other files name.
pub(super) const FALSE_BARGE_INS: usize = 0;
pub(super) const CUT_OFFS: usize = 4;
pub(super) const UNANSWERED: usize = 6;
pub(super) const WER: usize = 7;

/// Metrics that belong to a conversation, and to none of its turns.
pub(super) const OCCASIONS: [Metric; 4] = [
    Metric::PlaybackGap,
    Metric::TalkOver,
    Metric::Overlap,
    Metric::DeadAir,
];

/// What is compared on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// The spans of a hop.
    Hop(Hop),
    /// The spans of a metric.
    Metric(Metric),
    /// A rate of [`RATES`], for each turn that asked for it: false stops for each sound to be ignored, missed
    /// stops for each interruption, missed replies for each question; cut-offs, voided commits and failures for each turn; turns
    /// without an answer for each that should have had one; `wer` for each word of the reference.
    Rate(&'static str),
}

/// The statistic of a quantity that is compared. Percentiles are those of all turns together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// The mean of spans.
    Mean,
    /// The median of spans.
    P50,
    /// The 95th percentile of spans.
    P95,
    /// The share that a rate is.
    Share,
}

impl Statistic {
    pub(super) const OF_SPANS: [Statistic; 3] = [Statistic::Mean, Statistic::P50, Statistic::P95];

    /// The percentile, 50 or 95; `None` for a mean or a share.
    pub(super) fn percent(self) -> Option<u64> {
        match self {
            Statistic::P50 => Some(50),
            Statistic::P95 => Some(95),
            Statistic::Mean | Statistic::Share => None,
        }
    }

    /// The name in the names of figures: `p95`.
    pub fn name(self) -> &'static str {
        match self {
            Statistic::Mean => "mean",
            Statistic::P50 => "p50",
            Statistic::P95 => "p95",
            Statistic::Share => "share",
        }
    }
}

impl Quantity {
    pub(super) fn of_span(span: usize) -> Quantity {
        match Hop::ALL.get(span) {
            Some(hop) => Quantity::Hop(*hop),
            None => Quantity::Metric(Metric::ALL[span - Hop::ALL.len()]),
        }
    }

    /// The name of the figure, as budgets have it, with the unit behind it.
    pub(super) fn line_name(self, statistic: Statistic) -> String {
        let statistic = statistic.name();
        match self {
            Quantity::Hop(hop) => format!("hop.{hop}_{statistic}_ms"),
            Quantity::Metric(metric) => format!("{metric}_{statistic}_ms"),
            Quantity::Rate("wer") => "wer".into(),
            Quantity::Rate(rate) => format!("{rate}_share"),
        }
    }
}

/// The place of a metric among the spans.
pub(super) fn place(metric: Metric) -> usize {
    // The metrics stand in the order in which they are declared.
    Hop::ALL.len() + metric as usize
}

/// The place of `e2e_latency`, the first metric.
pub(super) const E2E: usize = Hop::ALL.len();
