//! Recall against false stops, as an SVG.

use super::{Evaluation, PolicyFigures, TradeOff};
use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 480.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 60.0;
/// The picture shows false stops up to this share, and recalls from this one up.
const FALSE_STOPS_MAX: f64 = 0.6;
const RECALL_MIN: f64 = 0.4;
/// Okabe and Ito's colours, which the colour-blind can tell apart.
const COLOURS: [&str; 4] = ["#0072b2", "#56b4e9", "#d55e00", "#e69f00"];

fn x(false_stops: f64) -> f64 {
    LEFT + false_stops.min(FALSE_STOPS_MAX) / FALSE_STOPS_MAX * (WIDTH - LEFT - RIGHT)
}

fn y(recall: f64) -> f64 {
    let share = (recall.max(RECALL_MIN) - RECALL_MIN) / (1.0 - RECALL_MIN);
    HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
}

/// The classifier's trade-offs as lines, policies as they are as points.
pub fn trade_off_svg(evaluation: &Evaluation) -> String {
    let mut svg = String::new();
    // Writing to a String cannot fail.
    let _ = draw(&mut svg, evaluation);
    svg
}

fn draw(svg: &mut String, evaluation: &Evaluation) -> std::fmt::Result {
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">"
    )?;
    writeln!(
        svg,
        "<title>Interruptions found against false stops</title>"
    )?;
    writeln!(
        svg,
        "<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>"
    )?;
    axes(svg)?;
    for (number, curve) in evaluation.trade_off.iter().enumerate() {
        line(svg, curve, number)?;
    }
    for row in &evaluation.policies {
        let is_shown = row.cell.hearing == "clean"
            && ["classifier", "vad_500ms", "min_words"].contains(&row.policy.as_str());
        let in_view = row.false_stops <= FALSE_STOPS_MAX && row.recall >= RECALL_MIN;
        if is_shown && in_view {
            point(svg, row, evaluation)?;
        }
    }
    writeln!(svg, "</svg>")
}

fn axes(svg: &mut String) -> std::fmt::Result {
    for tenth in 0..=6 {
        let (share, recall) = (
            f64::from(tenth) / 10.0,
            RECALL_MIN + f64::from(tenth) / 10.0,
        );
        let (x, y, right, bottom) = (x(share), y(recall), WIDTH - RIGHT, HEIGHT - BOTTOM);
        writeln!(
            svg,
            "<path d=\"M{x:.1} {TOP}V{bottom}M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/>"
        )?;
        let percent = tenth * 10;
        writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{percent} %</text>",
            bottom + 18.0
        )?;
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{} %</text>",
            LEFT - 8.0,
            y + 4.0,
            percent + 40
        )?;
    }
    writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">other sounds that stop the agent</text>",
        WIDTH / 2.0,
        HEIGHT - 18.0
    )?;
    writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{}\">interruptions that stop it within 1.5 s</text>",
        TOP - 16.0
    )
}

fn colour(number: usize) -> &'static str {
    COLOURS[number % COLOURS.len()]
}

fn line(svg: &mut String, curve: &TradeOff, number: usize) -> std::fmt::Result {
    let in_view = |point: &&[f64; 2]| point[0] <= FALSE_STOPS_MAX && point[1] >= RECALL_MIN;
    let points: Vec<String> = curve
        .points
        .iter()
        .filter(in_view)
        .map(|[false_stops, recall]| format!("{:.1},{:.1}", x(*false_stops), y(*recall)))
        .collect();
    let colour = colour(number);
    let points = points.join(" ");
    writeln!(
        svg,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
    )?;
    let y = HEIGHT - BOTTOM - 16.0 - 18.0 * number as f64;
    let name = format!("{}, {}", curve.corpus, curve.listening);
    writeln!(
        svg,
        "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\" fill=\"{colour}\">{}</text>",
        WIDTH - RIGHT - 10.0,
        escaped(&name)
    )
}

fn point(svg: &mut String, row: &PolicyFigures, evaluation: &Evaluation) -> std::fmt::Result {
    let of_row =
        |curve: &TradeOff| curve.corpus == row.cell.corpus && curve.listening == row.cell.listening;
    let colour = colour(evaluation.trade_off.iter().position(of_row).unwrap_or(0));
    let (x, y) = (x(row.false_stops), y(row.recall));
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

/// Text that may stand in an SVG: names of corpora come from files.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
