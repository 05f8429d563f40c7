//! The comparison as one JSON document, `voicesim.compare/2`:
//!
//! ```json
//! {
//!   "schema": "voicesim.compare/2", "version": "…",
//!   "headline": { "verdict": "worse", "sentence": "…", "lines": ["e2e_latency_p50_ms", …] },
//!   "paired": { "is_paired": true, "why": "…", "turns": 1, "only_base": 0, "only_new": 0, "left_out": [] },
//!   "independent": "conversations", "is_too_little": false, "min_effect": 0.02,
//!   "base": { "folder", "name", "kind", "conversations", "turns", "answered", "unanswered" }, "new": { … },
//!   "lines": [{
//!     "name": "e2e_latency_p50_ms", "is_headline": true, "base": 1.0, "new": 1.0, "difference": 0.0,
//!     "interval": { "low": 0.0, "high": 0.0 }, "p": 1.0, "p_holm": 1.0, "mark": null
//!   }],
//!   "differences": [{ "key": "scenario.endpointing.silence_ms", "base": 300, "new": 700 }],
//!   "warnings": ["…"]
//! }
//! ```
//!
//! `verdict` is `worse`, `better` or `no_difference_found`, `mark` is `worse`, `better` or null, `independent` is
//! `conversations`, `few_conversations` or `turns`, `kind` is `run`, `recording`,
//! `simulation` or `load`. Figures are in
//! milliseconds where the name ends so, else shares in 0..=1; what was not measured or not tested is null. A figure
//! that falls among turns that were not answered is null too, with what it lies over in `base_over` or `new_over`.
//! Where `is_too_little`, `would_tell` has `more_turns` on each side and the `difference_ms` that they would show.
//! `p_holm` is corrected among the headline's lines, or among all others.

use super::headline;
use crate::compare::{
    ComparedFigure, Comparison, Difference, Independent, Pairing, Side, Verdict, WouldTell,
};
use serde::Serialize;

pub const SCHEMA: &str = "voicesim.compare/2";

#[derive(Debug, Serialize)]
pub struct ComparisonDocument<'a> {
    pub schema: &'static str,
    pub version: &'static str,
    pub headline: Headline<'a>,
    pub paired: &'a Pairing,
    pub independent: Independent,
    pub is_too_little: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_tell: Option<WouldTell>,
    pub min_effect: f64,
    pub base: &'a Side,
    pub new: &'a Side,
    pub lines: &'a [ComparedFigure],
    pub differences: &'a [Difference],
    pub warnings: &'a [String],
}

#[derive(Debug, Serialize)]
pub struct Headline<'a> {
    pub verdict: Verdict,
    pub sentence: String,
    /// The names of the lines that the headline is about.
    pub lines: Vec<&'a str>,
}

pub fn document(of: &Comparison) -> ComparisonDocument<'_> {
    let lines = of.lines.iter().filter(|line| line.is_headline);
    ComparisonDocument {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        headline: Headline {
            verdict: of.verdict,
            sentence: headline(of),
            lines: lines.map(|line| line.name.as_str()).collect(),
        },
        paired: &of.pairing,
        independent: of.independent,
        is_too_little: of.is_too_little,
        would_tell: of.would_tell,
        min_effect: of.min_effect,
        base: &of.base,
        new: &of.new,
        lines: &of.lines,
        differences: &of.differences,
        warnings: &of.warnings,
    }
}
