//! A sweep as a picture: latency against cut-offs or cost, and the settings that nothing beats.

use super::text::shortened;
use super::{Axes, Axis, Setting, Sweep};
use crate::measure::Interval;
use crate::picture::{self, COLOURS, Frame, Labels, Placed, Rectangle, escaped, width};
use std::fmt::Write;

const FRONT: &str = COLOURS[0];
const BEATEN: &str = "#999999";
const RADIUS: f64 = 4.5;
const LIMIT: &str = "#b3261e";

/// The line of a limit is drawn up to this many times the largest figure.
const LIMIT_SHOWN: f64 = 2.0;

/// How wide the ring around the chosen point is.
const CHOSEN_RADIUS: f64 = 10.0;

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

/// The picture of a sweep.
pub fn svg(sweep: &Sweep) -> String {
    svg_of_choice(sweep, None)
}

/// The picture of a sweep from which the setting `chosen` was chosen.
pub(in crate::report) fn svg_of_choice(sweep: &Sweep, chosen: Option<usize>) -> String {
    let chosen = chosen.and_then(|index| sweep.settings.get(index));
    let mut points: Vec<Point> = sweep
        .settings
        .iter()
        .filter_map(|setting| point(setting, sweep.axes))
        .collect();
    points.sort_by(|one, other| one.x.total_cmp(&other.x));
    let frame = frame(sweep, &points);
    let title = format!("{}, by {}", sweep.subject.name, sweep.vary.join(", "));
    // As wide as the picture, in bold.
    frame.picture(&cut(&title, 76), |svg| {
        // Writing to a String cannot fail.
        let _ = draw(svg, &frame, sweep, &points, chosen);
    })
}

/// The limit of a figure, if every setting is held to the same one; in the units of the figure.
fn limit(sweep: &Sweep, axis: Axis) -> Option<f64> {
    let of = |setting: &Setting| {
        let named =
            |name: &str| name == axis.name() || name.strip_suffix("_max") == Some(axis.name());
        let budget = setting.budgets.iter().find(|budget| named(&budget.name))?;
        Some(budget.limit)
    };
    let mut limits = sweep
        .settings
        .iter()
        .filter(|setting| !setting.is_saturated);
    let first = of(limits.next()?)?;
    limits
        .all(|setting| of(setting) == Some(first))
        .then_some(first)
}

/// A text, or its first `characters` characters if it is longer.
fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn point(setting: &Setting, axes: Axes) -> Option<Point<'_>> {
    let (x, y) = setting.point(axes)?;
    // What lies over something has no place.
    if !x.is_finite() || !y.is_finite() {
        return None;
    }
    let interval = |axis: Axis| {
        let interval = setting.intervals.get(axis.name())?;
        let (low, high) = (axis.scale() * interval.low, axis.scale() * interval.high);
        high.is_finite().then_some(Interval { low, high })
    };
    Some(Point {
        setting,
        x: axes.x.scale() * x,
        y: axes.y.scale() * y,
        x_interval: interval(axes.x),
        y_interval: interval(axes.y),
    })
}

fn frame(sweep: &Sweep, points: &[Point]) -> Frame {
    let ends = |value: f64, interval: Option<Interval>| {
        let ends = interval.map_or([value, value], |i| [i.low, i.high]);
        [value, ends[0], ends[1]]
    };
    let Axes { x, y } = sweep.axes;
    // A limit far beyond every figure would leave no room for them.
    let limit = |axis: Axis, of: &dyn Fn(&Point) -> f64| {
        let limit = axis.scale() * limit(sweep, axis)?;
        let most = points.iter().map(of).fold(0.0, f64::max);
        (limit <= LIMIT_SHOWN * most).then_some(limit)
    };
    let limits = [limit(x, &|p| p.x), limit(y, &|p| p.y)];
    Frame {
        x: picture::Axis::around(
            &x.title(&sweep.currency),
            points
                .iter()
                .flat_map(|p| ends(p.x, p.x_interval))
                .chain(limits[0]),
            x.unit(),
        ),
        y: picture::Axis::around(
            &y.title(&sweep.currency),
            points
                .iter()
                .flat_map(|p| ends(p.y, p.y_interval))
                .chain(limits[1]),
            y.unit(),
        ),
    }
}

fn draw(
    svg: &mut String,
    frame: &Frame,
    sweep: &Sweep,
    points: &[Point],
    chosen: Option<&Setting>,
) -> std::fmt::Result {
    limits(svg, frame, sweep)?;
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
        "<polyline class=\"stroke front\" points=\"{}\" fill=\"none\" stroke=\"{FRONT}\" stroke-width=\"1.5\"/>",
        line.join(" ")
    )?;
    let beaten = points.iter().filter(|p| !p.setting.is_on_front);
    for p in beaten.chain(front.iter().copied()) {
        dot(svg, at(p), p.setting)?;
    }
    let is_chosen = |p: &Point| chosen.is_some_and(|chosen| std::ptr::eq(chosen, p.setting));
    if let Some(p) = points.iter().find(|p| is_chosen(p)) {
        let (x, y) = at(p);
        writeln!(
            svg,
            "<circle class=\"chosen\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{CHOSEN_RADIUS}\" fill=\"none\" stroke=\"#17191e\" stroke-width=\"2\"/>"
        )?;
    }
    legend(svg, points)?;
    let distinct = distinct_on(&front);
    common(svg, sweep, &distinct)?;
    let mut labels = room(frame, points);
    for pair in front.windows(2) {
        labels.avoid_line(at(pair[0]), at(pair[1]));
    }
    if let Some(p) = points.iter().find(|p| is_chosen(p)) {
        let (x, y) = at(p);
        labels.avoid(Rectangle::around(x, y, CHOSEN_RADIUS + 1.5));
        let text = format!("chosen: {}", name(p.setting, &distinct));
        if let Some(placed) = labels.place(at(p), &text) {
            label(svg, "chosen", &placed, &text)?;
        }
    }
    for p in front.iter().filter(|p| !is_chosen(p)).take(LABELS_MAX) {
        let text = name(p.setting, &distinct);
        if let Some(placed) = labels.place(at(p), &text) {
            label(svg, "front", &placed, &text)?;
        }
    }
    Ok(())
}

/// Draws the lines that no figure is to cross.
fn limits(svg: &mut String, frame: &Frame, sweep: &Sweep) -> std::fmt::Result {
    let Axes { x, y } = sweep.axes;
    let line = "fill=\"none\" stroke-width=\"1.5\" stroke-dasharray=\"4 3\"";
    // A limit outside of the frame has no line: nothing comes near it.
    let shown = |axis: Axis, ticks: &picture::Axis| {
        let limit = axis.scale() * limit(sweep, axis)?;
        let last = ticks.ticks().last().map_or(0.0, |(value, _)| *value);
        let first = ticks.ticks().first().map_or(0.0, |(value, _)| *value);
        (first <= limit && limit <= last).then_some(limit)
    };
    if let Some(limit) = shown(x, &frame.x) {
        let (at, top, bottom) = (frame.x(limit), Frame::TOP, Frame::BOTTOM);
        writeln!(
            svg,
            "<path class=\"limit\" d=\"M{at:.1} {top}V{bottom}\" stroke=\"{LIMIT}\" {line}/>\n\
             <text class=\"limit\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{LIMIT}\">budget: {limit}{}</text>",
            at - 6.0,
            top + 14.0,
            x.unit()
        )?;
    }
    if let Some(limit) = shown(y, &frame.y) {
        let (at, left, right) = (frame.y(limit), Frame::LEFT, Frame::RIGHT);
        writeln!(
            svg,
            "<path class=\"limit\" d=\"M{left} {at:.1}H{right}\" stroke=\"{LIMIT}\" {line}/>\n\
             <text class=\"limit\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{LIMIT}\">budget: {limit}{}</text>",
            right - 6.0,
            at - 6.0,
            y.unit()
        )?;
    }
    Ok(())
}

/// The class of what a page colours as it likes.
fn class(setting: &Setting) -> &'static str {
    if setting.is_on_front {
        "front"
    } else {
        "beaten"
    }
}

fn colour(setting: &Setting) -> &'static str {
    if setting.is_on_front { FRONT } else { BEATEN }
}

/// Draws the dot of a point: a ring if a budget is missed.
fn dot(svg: &mut String, (x, y): (f64, f64), setting: &Setting) -> std::fmt::Result {
    let colour = colour(setting);
    let (missing, fill) = match setting.keeps_budgets() {
        Some(false) => (" missing", "white"),
        _ => ("", colour),
    };
    let class = class(setting);
    writeln!(
        svg,
        "<circle class=\"{class}{missing}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{RADIUS}\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
    )
}

/// Draws the 95 % intervals of a point.
fn whiskers(svg: &mut String, frame: &Frame, p: &Point) -> std::fmt::Result {
    let (x, y) = (frame.x(p.x), frame.y(p.y));
    let mut path = String::new();
    if let Some(Interval { low, high }) = p.x_interval {
        write!(path, "M{:.1} {y:.1}H{:.1}", frame.x(low), frame.x(high))?;
    }
    if let Some(Interval { low, high }) = p.y_interval {
        write!(path, "M{x:.1} {:.1}V{:.1}", frame.y(low), frame.y(high))?;
    }
    let (class, colour) = (class(p.setting), colour(p.setting));
    writeln!(
        svg,
        "<path class=\"stroke {class}\" d=\"{path}\" stroke=\"{colour}\" stroke-opacity=\"0.55\" stroke-width=\"1.2\"/>"
    )
}

/// Draws what the dots mean, at the right above the frame.
fn legend(svg: &mut String, points: &[Point]) -> std::fmt::Result {
    let misses = |p: &Point| p.setting.keeps_budgets() == Some(false);
    let mut says = vec![("front", FRONT, FRONT, "beaten by none")];
    if points.iter().any(|p| !p.setting.is_on_front) {
        says.push(("beaten", BEATEN, BEATEN, "beaten"));
    }
    if points.iter().any(misses) {
        says.push(("beaten missing", "white", BEATEN, "misses a budget"));
    }
    let (y, mut right) = (Frame::TOP - 12.0, Frame::RIGHT);
    for (class, fill, stroke, text) in says.into_iter().rev() {
        let left = right - width(text);
        writeln!(
            svg,
            "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{}\" r=\"4\" fill=\"{fill}\" stroke=\"{stroke}\"/>\n\
             <text x=\"{left:.1}\" y=\"{y}\">{text}</text>",
            left - 10.0,
            y - 4.0
        )?;
        right = left - 30.0;
    }
    Ok(())
}

/// Draws the values that all settings on the front share, which its labels leave out.
fn common(svg: &mut String, sweep: &Sweep, distinct: &[bool]) -> std::fmt::Result {
    let on_front = sweep.settings.iter().find(|setting| setting.is_on_front);
    let values = on_front.map_or(&[][..], |setting| &setting.values);
    let keys = sweep.vary.iter().zip(values).zip(distinct);
    let same: Vec<String> = keys
        .filter(|(_, is_distinct)| !**is_distinct)
        .map(|((key, value), _)| format!("{key} = {}", shortened(value)))
        .collect();
    if same.is_empty() {
        return Ok(());
    }
    let text = cut(&format!("the front has {}", same.join(", ")), 104);
    writeln!(
        svg,
        "<text class=\"front\" x=\"{}\" y=\"40\" font-size=\"11\" fill=\"{FRONT}\">{}</text>",
        Frame::LEFT,
        escaped(&text)
    )
}

/// Which keys have several values on the front; all if none has.
fn distinct_on(front: &[&Point]) -> Vec<bool> {
    let Some((first, others)) = front.split_first() else {
        return Vec::new();
    };
    let values = first.setting.values.iter().enumerate();
    let is_distinct = |(index, value): (usize, &String)| {
        let of = |p: &&Point| p.setting.values.get(index) != Some(value);
        others.iter().any(of)
    };
    let distinct: Vec<bool> = values.map(is_distinct).collect();
    match distinct.contains(&true) {
        true => distinct,
        false => vec![true; distinct.len()],
    }
}

/// A label of a point on the front.
fn name(setting: &Setting, distinct: &[bool]) -> String {
    let values = setting.values.iter().zip(distinct);
    let told: Vec<&str> = values
        .filter(|(_, is_distinct)| **is_distinct)
        .map(|(value, _)| value.as_str())
        .collect();
    shortened(&told.join(", "))
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

fn label(svg: &mut String, class: &str, placed: &Placed, text: &str) -> std::fmt::Result {
    if let Some([(x, y), (to_x, to_y)]) = placed.line {
        writeln!(
            svg,
            "<path class=\"stroke front\" d=\"M{x:.1} {y:.1}L{to_x:.1} {to_y:.1}\" stroke=\"{FRONT}\" stroke-opacity=\"0.5\" stroke-width=\"0.8\"/>"
        )?;
    }
    writeln!(
        svg,
        "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{}\" fill=\"{FRONT}\">{}</text>",
        placed.x,
        placed.y,
        placed.anchor,
        escaped(text)
    )
}
