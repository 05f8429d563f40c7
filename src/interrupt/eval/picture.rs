//! Recall against false stops, as an SVG.

use super::{Evaluation, PolicyFigures, TradeOff};
use crate::event::InterruptionPolicy;
use crate::interrupt::own::Fares;
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

/// A trade-off of one's own calls, `[false stops, recall]`, with what some thresholds do as points, each with its
/// intervals.
pub(in crate::interrupt) fn trade_off_of_own(
    points: Vec<[f64; 2]>,
    named: &[(&str, &Fares)],
) -> String {
    let tenths = || {
        let tick = |tenth: i32| (f64::from(tenth) / 10.0, format!("{} %", 10 * tenth));
        (0..=10).map(tick).collect()
    };
    let frame = Frame {
        x: Axis::with("other sounds that stop the agent", tenths()),
        y: Axis::with("interruptions that stop it within 1.5 s", tenths()),
    };
    frame.picture(
        "Interruptions found against false stops, own calls",
        |svg| {
            // Writing to a String cannot fail.
            let _ = draw_own(svg, &frame, &points, named);
        },
    )
}

fn draw_own(
    svg: &mut String,
    frame: &Frame,
    points: &[[f64; 2]],
    named: &[(&str, &Fares)],
) -> std::fmt::Result {
    let at = |[x, y]: &[f64; 2]| format!("{:.1},{:.1}", frame.x(*x), frame.y(*y));
    let line: Vec<String> = points.iter().map(at).collect();
    writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>",
        line.join(" "),
        colour(0)
    )?;
    for (number, (name, fares)) in named.iter().enumerate() {
        let colour = colour(number + 1);
        let (x, y) = (fares.false_stops, fares.recall);
        let (px, py) = (frame.x(x.share), frame.y(y.share));
        let bars = [
            [frame.x(x.interval.low), py, frame.x(x.interval.high), py],
            [px, frame.y(y.interval.low), px, frame.y(y.interval.high)],
        ];
        for [x1, y1, x2, y2] in bars {
            writeln!(
                svg,
                "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>"
            )?;
        }
        writeln!(
            svg,
            "<circle cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"5\" fill=\"{colour}\"/>"
        )?;
        // The names stand below each other, where no point lies: few sounds stop nobody's agent.
        let place = Frame::BOTTOM - 16.0 - 18.0 * number as f64;
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{place}\" text-anchor=\"end\" fill=\"{colour}\">{}</text>",
            Frame::RIGHT - 10.0,
            escaped(name)
        )?;
    }
    Ok(())
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
