//! A sweep as a picture: latency against cut-offs or cost, and the settings that nothing beats.

use super::text::shortened;
use super::{Axes, Other, P95, Setting, Sweep};
use crate::measure::Interval;
use crate::picture::{Axis, COLOURS, Frame, Labels, Placed, Rectangle, escaped};
use std::fmt::Write;

const FRONT: &str = COLOURS[0];
const BEATEN: &str = "#999999";
const RADIUS: f64 = 4.5;

/// More labels than this are no picture any more; the rest is in the table.
const LABELS_MAX: usize = 40;

/// One setting in the picture, in the units of its axes.
struct Point<'a> {
    setting: &'a Setting,
    x: f64,
    y: f64,
    x_interval: Option<Interval>,
    y_interval: Option<Interval>,
}

pub fn svg(sweep: &Sweep) -> String {
    let mut points: Vec<Point> = sweep
        .settings
        .iter()
        .filter_map(|setting| point(setting, sweep.axes))
        .collect();
    points.sort_by(|one, other| one.x.total_cmp(&other.x));
    let frame = frame(sweep, &points);
    let title = format!("{}, by {}", sweep.name, sweep.vary.join(", "));
    frame.picture(&shortened_title(&title), |svg| {
        // Writing to a String cannot fail.
        let _ = draw(svg, &frame, &points);
    })
}

/// What is as wide as the picture, at 14 bold pixels.
fn shortened_title(title: &str) -> String {
    const TITLE_CHARACTERS_MAX: usize = 76;
    match title.char_indices().nth(TITLE_CHARACTERS_MAX) {
        None => title.to_owned(),
        Some((end, _)) => format!("{}…", &title[..end]),
    }
}

/// Percent for shares; money as it is.
fn scale(other: Other) -> f64 {
    match other {
        Other::CutOffShare => 100.0,
        Other::CostPerMinute => 1.0,
    }
}

fn point(setting: &Setting, axes: Axes) -> Option<Point<'_>> {
    let (x, y) = setting.point(axes)?;
    let times = scale(axes.y);
    let cut_offs = setting.intervals.get("cut_off_share").map(|i| Interval {
        low: times * i.low,
        high: times * i.high,
    });
    Some(Point {
        setting,
        x,
        y: times * y,
        x_interval: setting.intervals.get(P95).copied(),
        y_interval: cut_offs.filter(|_| axes.y == Other::CutOffShare),
    })
}

fn frame(sweep: &Sweep, points: &[Point]) -> Frame {
    let ends = |value: f64, interval: Option<Interval>| {
        let ends = interval.map_or([value, value], |i| [i.low, i.high]);
        [value, ends[0], ends[1]]
    };
    let (title, unit) = match sweep.axes.y {
        Other::CutOffShare => ("questions cut off".to_owned(), " %"),
        Other::CostPerMinute => {
            let money = match sweep.currency.as_str() {
                "" => "cost",
                currency => currency,
            };
            (format!("{money} per minute of call"), "")
        }
    };
    Frame {
        x: Axis::around(
            "95th percentile of the end-to-end latency, ms",
            points.iter().flat_map(|p| ends(p.x, p.x_interval)),
            "",
        ),
        y: Axis::around(
            &title,
            points.iter().flat_map(|p| ends(p.y, p.y_interval)),
            unit,
        ),
    }
}

fn draw(svg: &mut String, frame: &Frame, points: &[Point]) -> std::fmt::Result {
    let front: Vec<&Point> = points.iter().filter(|p| p.setting.is_on_front).collect();
    let at = |p: &Point| (frame.x(p.x), frame.y(p.y));
    let line: Vec<String> = front
        .iter()
        .map(|p| format!("{:.1},{:.1}", at(p).0, at(p).1))
        .collect();
    for p in points {
        whiskers(svg, frame, p)?;
    }
    writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{FRONT}\" stroke-width=\"1.5\"/>",
        line.join(" ")
    )?;
    let beaten = points.iter().filter(|p| !p.setting.is_on_front);
    for p in beaten.chain(front.iter().copied()) {
        dot(svg, at(p), p.setting)?;
    }
    legend(svg, points)?;
    let mut labels = room(frame, points);
    front
        .windows(2)
        .for_each(|pair| labels.avoid_line(at(pair[0]), at(pair[1])));
    for p in front.iter().take(LABELS_MAX) {
        let text = shortened(&p.setting.values.join(", "));
        if let Some(placed) = labels.place(at(p), &text) {
            label(svg, &placed, &text)?;
        }
    }
    Ok(())
}

fn colour(setting: &Setting) -> &'static str {
    if setting.is_on_front { FRONT } else { BEATEN }
}

/// A ring if a budget is missed.
fn dot(svg: &mut String, (x, y): (f64, f64), setting: &Setting) -> std::fmt::Result {
    let colour = colour(setting);
    let fill = match setting.keeps_budgets() {
        Some(false) => "white",
        _ => colour,
    };
    writeln!(
        svg,
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{RADIUS}\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
    )
}

/// The 95 % intervals of a point.
fn whiskers(svg: &mut String, frame: &Frame, p: &Point) -> std::fmt::Result {
    let (x, y) = (frame.x(p.x), frame.y(p.y));
    let mut path = String::new();
    if let Some(Interval { low, high }) = p.x_interval {
        write!(path, "M{:.1} {y:.1}H{:.1}", frame.x(low), frame.x(high))?;
    }
    if let Some(Interval { low, high }) = p.y_interval {
        write!(path, "M{x:.1} {:.1}V{:.1}", frame.y(low), frame.y(high))?;
    }
    let colour = colour(p.setting);
    writeln!(
        svg,
        "<path d=\"{path}\" stroke=\"{colour}\" stroke-opacity=\"0.55\" stroke-width=\"1.2\"/>"
    )
}

/// What the colours say, at the right above the frame.
fn legend(svg: &mut String, points: &[Point]) -> std::fmt::Result {
    let mut says = vec![format!(
        "<tspan fill=\"{FRONT}\">●</tspan> nothing is better in both <tspan fill=\"{BEATEN}\">●</tspan> beaten"
    )];
    if points
        .iter()
        .any(|p| p.setting.keeps_budgets() == Some(false))
    {
        says.push("○ misses a budget".to_owned());
    }
    if points.iter().any(|p| p.x_interval.is_some()) {
        says.push("lines: 95 % intervals".to_owned());
    }
    writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" font-size=\"11\" fill=\"#444\">{}</text>",
        Frame::RIGHT,
        Frame::TOP - 12.0,
        says.join(" · ")
    )
}

/// The room for labels: where no point lies and no whisker of the front.
fn room(frame: &Frame, points: &[Point]) -> Labels {
    let mut labels = Labels::within(Rectangle {
        left: Frame::LEFT + 2.0,
        top: Frame::TOP + 2.0,
        right: Frame::RIGHT - 2.0,
        bottom: Frame::BOTTOM - 2.0,
    });
    for p in points {
        let (x, y) = (frame.x(p.x), frame.y(p.y));
        labels.avoid(Rectangle::around(x, y, RADIUS + 1.5));
        let Some(interval) = p.x_interval.filter(|_| p.setting.is_on_front) else {
            continue;
        };
        labels.avoid_line((frame.x(interval.low), y), (frame.x(interval.high), y));
    }
    labels
}

fn label(svg: &mut String, placed: &Placed, text: &str) -> std::fmt::Result {
    if let Some([(x, y), (to_x, to_y)]) = placed.line {
        writeln!(
            svg,
            "<path d=\"M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}\" stroke=\"{FRONT}\" stroke-opacity=\"0.5\" stroke-width=\"0.8\"/>"
        )?;
    }
    writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{FRONT}\">{}</text>",
        placed.x,
        placed.y,
        escaped(text)
    )
}
