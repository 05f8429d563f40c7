//! Recall against false stops, as an SVG.

use super::{Evaluation, PolicyFigures, TradeOff};
use crate::event::InterruptionPolicy;
use crate::picture::{Axis, COLOURS, Frame, escaped};
use std::fmt::Write;

/// The picture shows false stops up to this share, and recalls from this one up.
const FALSE_STOPS_MAX: f64 = 0.6;
const RECALL_MIN: f64 = 0.4;

/// The policies drawn as points: those that hear something and decide by it.
const DRAWN: [InterruptionPolicy; 3] = [
    InterruptionPolicy::Classifier,
    InterruptionPolicy::Vad500Ms,
    InterruptionPolicy::MinWords,
];

/// The classifier's trade-offs as lines, policies as they are as points.
pub fn trade_off_svg(evaluation: &Evaluation) -> String {
    let frame = frame();
    frame.picture("Interruptions found against false stops", |svg| {
        // Writing to a String cannot fail.
        let _ = draw(svg, &frame, evaluation);
    })
}

fn frame() -> Frame {
    let ticks = |from: i32| {
        let tick = |percent: i32| (f64::from(percent) / 100.0, format!("{percent} %"));
        (0..=6).map(|tenth| tick(from + 10 * tenth)).collect()
    };
    Frame {
        x: Axis::with("other sounds that stop the agent", ticks(0)),
        y: Axis::with("interruptions that stop it within 1.5 s", ticks(40)),
    }
}

fn draw(svg: &mut String, frame: &Frame, evaluation: &Evaluation) -> std::fmt::Result {
    for (number, curve) in evaluation.trade_off.iter().enumerate() {
        line(svg, frame, curve, number)?;
    }
    for row in &evaluation.policies {
        let policy = InterruptionPolicy::named(&row.policy);
        let is_shown = row.cell.hearing == "clean" && policy.is_some_and(|it| DRAWN.contains(&it));
        let in_view = row.false_stops <= FALSE_STOPS_MAX && row.recall >= RECALL_MIN;
        if is_shown && in_view {
            point(svg, frame, row, evaluation)?;
        }
    }
    Ok(())
}

fn colour(number: usize) -> &'static str {
    COLOURS[number % COLOURS.len()]
}

fn line(svg: &mut String, frame: &Frame, curve: &TradeOff, number: usize) -> std::fmt::Result {
    let in_view = |point: &&[f64; 2]| point[0] <= FALSE_STOPS_MAX && point[1] >= RECALL_MIN;
    let points: Vec<String> = curve
        .points
        .iter()
        .filter(in_view)
        .map(|[false_stops, recall]| {
            format!("{:.1},{:.1}", frame.x(*false_stops), frame.y(*recall))
        })
        .collect();
    let colour = colour(number);
    let points = points.join(" ");
    writeln!(
        svg,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
    )?;
    let y = Frame::BOTTOM - 16.0 - 18.0 * number as f64;
    let name = format!("{}, {}", curve.corpus, curve.listening);
    writeln!(
        svg,
        "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\" fill=\"{colour}\">{}</text>",
        Frame::RIGHT - 10.0,
        escaped(&name)
    )
}

fn point(
    svg: &mut String,
    frame: &Frame,
    row: &PolicyFigures,
    evaluation: &Evaluation,
) -> std::fmt::Result {
    let of_row =
        |curve: &TradeOff| curve.corpus == row.cell.corpus && curve.listening == row.cell.listening;
    let colour = colour(evaluation.trade_off.iter().position(of_row).unwrap_or(0));
    let (x, y) = (frame.x(row.false_stops), frame.y(row.recall));
    writeln!(
        svg,
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\"/>"
    )?;
    writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
        x + 8.0,
        y + 14.0,
        escaped(&row.policy)
    )
}
