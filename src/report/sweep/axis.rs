//! The figures that settings are compared by.

use serde::{Serialize, Serializer};

/// A figure of a setting: the less, the better. Serialised as its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Axis {
    /// The 95th percentile of the end-to-end latency; turns without an answer count as slower than every answer.
    P95,
    /// The share of questions whose caller was cut off, 0 to 1.
    CutOffShare,
    /// The share of questions that failed: a stage gave up, and nothing was answered.
    FailedShare,
    /// The share of turns that should have been answered and were not, whatever the reason.
    UnansweredShare,
    /// False stops for each question: sounds to be ignored that the agent stopped for.
    FalseStops,
    /// Missed stops for each question: interruptions that the agent did not stop for.
    MissedStops,
    /// The 95th percentile of the time to the decision to stop.
    DetectionDelay,
    /// The 95th percentile of the time for which the agent talks over the caller.
    TalkOver,
    /// The cost of a call by the minute.
    CostPerMinute,
}

impl Axis {
    /// Every figure, in the order of a table's columns.
    pub const ALL: [Axis; 9] = [
        Axis::P95,
        Axis::UnansweredShare,
        Axis::CutOffShare,
        Axis::FailedShare,
        Axis::FalseStops,
        Axis::MissedStops,
        Axis::DetectionDelay,
        Axis::TalkOver,
        Axis::CostPerMinute,
    ];

    /// The name of the figure, that of the budget that limits it (without `_max`) if there is one.
    pub fn name(self) -> &'static str {
        match self {
            Axis::P95 => "e2e_latency_p95_ms",
            Axis::CutOffShare => "cut_off_share",
            Axis::FailedShare => "failed_share",
            Axis::UnansweredShare => "unanswered_share",
            Axis::FalseStops => "false_barge_ins_per_question",
            Axis::MissedStops => "missed_barge_ins_per_question",
            Axis::DetectionDelay => "detection_delay_p95_ms",
            Axis::TalkOver => "talk_over_p95_ms",
            Axis::CostPerMinute => "cost_per_minute",
        }
    }

    /// What a sentence calls the figure.
    pub fn told(self) -> &'static str {
        match self {
            Axis::P95 => "p95",
            Axis::CutOffShare => "cut-offs",
            Axis::FailedShare => "failures",
            Axis::UnansweredShare => "unanswered turns",
            Axis::FalseStops => "false stops",
            Axis::MissedStops => "missed stops",
            Axis::DetectionDelay => "detection delay",
            Axis::TalkOver => "talk-over",
            Axis::CostPerMinute => "cost",
        }
    }

    /// What a column of the figure is called; cost has the currency there.
    pub fn column(self) -> &'static str {
        match self {
            Axis::P95 => "p95 ms",
            Axis::CutOffShare => "cut off",
            Axis::FailedShare => "failed",
            Axis::UnansweredShare => "unanswered",
            Axis::FalseStops => "false stops",
            Axis::MissedStops => "missed stops",
            Axis::DetectionDelay => "detection p95 ms",
            Axis::TalkOver => "talk-over p95 ms",
            Axis::CostPerMinute => "cost/min",
        }
    }

    /// What a picture's axis of the figure is called.
    pub fn title(self, currency: &str) -> String {
        match self {
            Axis::P95 => "95th percentile of the end-to-end latency, ms".into(),
            Axis::CutOffShare => "questions cut off".into(),
            Axis::FailedShare => "questions that failed".into(),
            Axis::UnansweredShare => "turns that were not answered".into(),
            Axis::FalseStops => "false stops in 100 questions".into(),
            Axis::MissedStops => "missed stops in 100 questions".into(),
            Axis::DetectionDelay => "95th percentile of the detection delay, ms".into(),
            Axis::TalkOver => "95th percentile of the talk-over, ms".into(),
            Axis::CostPerMinute => match currency {
                "" => "cost per minute of call".into(),
                currency => format!("{currency} per minute of call"),
            },
        }
    }

    /// The factor from a figure to what is shown of it: 100 for shares.
    pub fn scale(self) -> f64 {
        match self.is_share() {
            true => 100.0,
            false => 1.0,
        }
    }

    /// Whether the figure is a share of questions or turns, or a number for each question.
    pub fn is_share(self) -> bool {
        !matches!(
            self,
            Axis::P95 | Axis::DetectionDelay | Axis::TalkOver | Axis::CostPerMinute
        )
    }

    /// The unit behind a figure that is shown.
    pub fn unit(self) -> &'static str {
        match self {
            Axis::FalseStops | Axis::MissedStops => "",
            _ if self.is_share() => " %",
            _ => "",
        }
    }
}

impl Serialize for Axis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
