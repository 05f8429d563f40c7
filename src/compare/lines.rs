//! The figures of both sides: values, tests and marks.

use super::design::{Design, SideResults};
use super::quantity::{CUT_OFFS, E2E, FALSE_BARGE_INS, RATES, SPANS, UNANSWERED};
use super::report::Report;
use super::tally::{Choice, Spans, Tally};
use super::tested::{Chance, Figure};
use super::{ComparedFigure, Mark, Quantity, SIGNIFICANCE, Settings, Statistic};
use crate::event::Metric;
use crate::measure::Interval;
use crate::measure::holm::{holm, in_sequence};

/// The figures of both sides: hops in path order, then metrics, then rates. What neither side has is left out.
pub(super) fn lines(
    design: &Design,
    tally: &Tally,
    sources: &[SideResults; 2],
    settings: &Settings,
) -> Vec<ComparedFigure> {
    let chance = Chance::of(design, tally, &settings.effort);
    let reports = sources.each_ref().map(|source| Report { all: &source.all });
    let mut lines = Vec::new();
    for span in 0..SPANS {
        let spans = tally.spans[span].as_ref();
        if !is_shown(span, spans, &reports) {
            continue;
        }
        let told = [0, 1].map(|side| {
            let value = spans.and_then(|spans| spans.value(Statistic::Mean, Choice::All(side)));
            // Where turns do not tell a figure, the report does.
            value
                .is_none()
                .then(|| reports[side].summary(span))
                .flatten()
        });
        lines.extend(Statistic::OF_SPANS.map(|statistic| {
            let figure = spans.map(|spans| Figure::Of(spans, statistic));
            let told = told.map(|summary| summary.map(|summary| statistic.of(&summary)));
            let is_headline = span == E2E && statistic != Statistic::Mean;
            let line = line(Quantity::of_span(span), statistic, (figure, told), &chance);
            ComparedFigure {
                is_headline,
                ..line
            }
        }));
    }
    for (place, rates) in tally.rates.iter().enumerate() {
        if rates.asked(0) + rates.asked(1) == 0 {
            continue;
        }
        let told = [0, 1].map(|side| {
            let happened = reports[side].count(place)?;
            let asked = rates.asked(side);
            (asked > 0).then(|| happened as f64 / asked as f64)
        });
        let quantity = Quantity::Rate(RATES[place]);
        let mut own = line(
            quantity,
            Statistic::Share,
            (Some(Figure::Rate(rates)), told),
            &chance,
        );
        own.tell(told);
        own.is_headline = [FALSE_BARGE_INS, CUT_OFFS, UNANSWERED].contains(&place);
        lines.push(own);
    }
    judge(
        &mut lines,
        design.is_by_sequence(tally.matched),
        settings.min_effect,
    );
    lines
}

/// Whether a span is shown: a hop that has some length on a side, the first sound only where there were fillers
/// (else it is that of the answer), any other span that a side has.
fn is_shown(span: usize, spans: Option<&Spans>, reports: &[Report; 2]) -> bool {
    match Quantity::of_span(span) {
        Quantity::Metric(Metric::FirstSound) => reports.iter().any(Report::has_fillers),
        Quantity::Hop(_) => {
            spans.is_some_and(Spans::has_length)
                || reports.iter().any(|report| report.has_length(span))
        }
        _ => spans.is_some() || reports.iter().any(|report| report.has(span)),
    }
}

fn line(
    quantity: Quantity,
    statistic: Statistic,
    (figure, told): (Option<Figure>, [Option<f64>; 2]),
    chance: &Chance,
) -> ComparedFigure {
    let value = |side: usize| figure.and_then(|figure| figure.value(Choice::All(side)));
    let over = |side: usize| match (figure, value(side)) {
        (Some(Figure::Of(spans, statistic)), Some(value)) if value.is_infinite() => {
            spans.over(statistic, side).or(Some(0.0))
        }
        _ => None,
    };
    let is_finite = |value: &f64| value.is_finite();
    let mut line = ComparedFigure {
        name: quantity.line_name(statistic),
        quantity,
        statistic,
        is_headline: false,
        base: value(0).filter(is_finite),
        new: value(1).filter(is_finite),
        base_over: over(0),
        new_over: over(1),
        is_greater: None,
        difference: None,
        interval: None,
        p: None,
        p_holm: None,
        mark: None,
    };
    line.base = line.base.or(told[0].filter(|_| line.base_over.is_none()));
    line.new = line.new.or(told[1].filter(|_| line.new_over.is_none()));
    line.difference = line.base.zip(line.new).map(|(base, new)| new - base);
    if let Some(tested) = figure.and_then(|figure| chance.test(figure)) {
        line.interval = tested.interval;
        line.p = Some(tested.p);
        line.is_greater = tested.is_greater;
    }
    line
}

impl ComparedFigure {
    /// Takes the figures of the reports, where reports know better.
    fn tell(&mut self, told: [Option<f64>; 2]) {
        let before = self.difference;
        self.base = told[0].or(self.base);
        self.new = told[1].or(self.new);
        self.difference = self.base.zip(self.new).map(|(base, new)| new - base);
        if let (Some(before), Some(difference), Some(interval)) =
            (before, self.difference, self.interval)
        {
            let moved = Interval {
                low: interval.low + difference - before,
                high: interval.high + difference - before,
            };
            // The interval goes on agreeing with the p-value.
            let excludes_zero = |of: Interval| of.low > 0.0 || of.high < 0.0;
            if excludes_zero(moved) == excludes_zero(interval) {
                self.interval = Some(moved);
            }
        }
    }

    /// Whether the difference is large enough to talk about. Every difference from a base of nothing is.
    fn is_large(&self, min_effect: f64) -> bool {
        // A figure that is known is far from one that falls among waits in vain.
        if self.base_over.is_some() != self.new_over.is_some() {
            return true;
        }
        let (Some(base), Some(difference)) = (self.base, self.difference) else {
            return false;
        };
        difference != 0.0 && difference.abs() >= min_effect * base.abs()
    }

    fn judge(&mut self, min_effect: f64) {
        let is_significant = self.p_holm.is_some_and(|p| p < SIGNIFICANCE);
        self.mark = (is_significant && self.is_large(min_effect)).then(|| {
            let is_greater = self.difference.map(|difference| difference > 0.0);
            match is_greater.or(self.is_greater) == Some(true) {
                true => Mark::Worse,
                false => Mark::Better,
            }
        });
    }
}

/// Corrects the p-values of the headline for each other, and all others for each other, and sets the marks. By
/// sequence, a figure of the headline counts if all before it do (Wiens 2003, "A fixed sequence Bonferroni procedure
/// for testing multiple endpoints"): of six pairs the median alone can be told from chance, and is.
fn judge(lines: &mut [ComparedFigure], is_by_sequence: bool, min_effect: f64) {
    for is_headline in [true, false] {
        let family = lines
            .iter_mut()
            .filter(|line| line.is_headline == is_headline);
        let mut family: Vec<&mut ComparedFigure> = family.filter(|line| line.p.is_some()).collect();
        let p_values: Vec<f64> = family.iter().filter_map(|line| line.p).collect();
        let corrected = match is_headline && is_by_sequence {
            true => in_sequence(&p_values),
            false => holm(&p_values),
        };
        for (line, p_holm) in family.iter_mut().zip(corrected) {
            line.p_holm = Some(p_holm);
            line.judge(min_effect);
        }
    }
}
