//! How well calls are measured from their recordings, and how fast: synthetic calls of which everything is known.
//!
//! `cargo bench --bench call` prints the tables. With a folder (`-- FOLDER`) the calls and what is true of them are
//! kept there, for other tools to be measured by.

#[path = "../tests/it/support/synthetic.rs"]
mod synthetic;

use std::path::Path;
use std::time::Instant;
use synthetic::{Call, GAPS, Surroundings, call};
use voicesim::call::{CallSource, VAD_THRESHOLD, events, floor};
use voicesim::measure::{Plan, Row, measure};
use voicesim::record::store::RowsPer;

/// Calls of each kind.
const CALLS: usize = 12;

fn main() {
    let keep = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let place = tempfile::tempdir().expect("a folder");
    let folder = keep
        .as_ref()
        .map_or(place.path(), |folder| Path::new(folder));
    std::fs::create_dir_all(folder).expect("a folder");
    let mut truths = Vec::new();
    println!(
        "{:<22} {:>5} {:>6} {:>6} {:>7} {:>7} {:>7}",
        "response gaps", "true", "found", "other", "p50", "p95", "max, ms off"
    );
    for surroundings in Surroundings::ALL {
        let (mut off, mut rows) = (Vec::new(), 0);
        for number in 0..CALLS {
            let call = call(surroundings, number);
            let path = folder.join(format!("{}.wav", call.name));
            call.write(&path);
            let measured = rows_of(&path);
            rows += measured.len();
            off.extend(errors(&call, &measured));
            let gaps: Vec<String> = call
                .gaps
                .iter()
                .map(|(end, start)| format!("[{end:.3},{start:.3}]"))
                .collect();
            truths.push(format!("\"{}.wav\":[{}]", call.name, gaps.join(",")));
        }
        off.sort_by(f64::total_cmp);
        let at = |share: f64| {
            off.get(((off.len() as f64 * share) as usize).min(off.len().saturating_sub(1)))
                .copied()
                .unwrap_or(f64::NAN)
        };
        println!(
            "{:<22} {:>5} {:>6} {:>6} {:>7.1} {:>7.1} {:>7.1}",
            surroundings.name(),
            CALLS * GAPS.len(),
            off.len(),
            rows - off.len(),
            at(0.5),
            at(0.95),
            at(1.0)
        );
    }
    std::fs::write(
        folder.join("truth.json"),
        format!("{{{}}}\n", truths.join(",\n")),
    )
    .expect("written");
    speed(folder);
}

fn rows_of(path: &Path) -> Vec<Row> {
    let source = CallSource::Stereo {
        path: path.to_owned(),
        is_swapped: false,
    };
    let tracks = source.listen(None, &mut |_, _| {}).expect("a call");
    let floor = floor(&tracks, VAD_THRESHOLD);
    let plan = Plan {
        rows_per: RowsPer::Utterance,
        questions: None,
        rows: Vec::new(),
        budgets: Vec::new(),
        prices: None,
    };
    measure(&events(&floor, None, None, None).expect("events"), &plan).rows
}

/// How far off the gaps are that were found, in milliseconds.
fn errors(call: &Call, rows: &[Row]) -> Vec<f64> {
    let found = call.gaps.iter().filter_map(|(end, start)| {
        let row = rows.iter().find(|row| {
            let at = row
                .caller_end
                .map_or(f64::MAX, voicesim::event::Tick::as_ms);
            row.e2e_ns.is_some() && (at - end).abs() < 500.0
        })?;
        let e2e = row.e2e_ns? as f64 / 1e6;
        Some((e2e - (start - end)).abs())
    });
    found.collect()
}

/// How fast an hour is gone through.
fn speed(folder: &Path) {
    let mut long = call(Surroundings::Quiet, 0);
    let (caller, agent) = (long.caller.clone(), long.agent.clone());
    while long.caller.len() < 3_600 * 1_000 * synthetic::MS {
        long.caller.extend(&caller);
        long.agent.extend(&agent);
    }
    let seconds = long.caller.len() as f64 / 16_000.0;
    let path = folder.join("long.wav");
    long.write(&path);
    drop(long);
    let began = Instant::now();
    let rows = rows_of(&path);
    let took = began.elapsed().as_secs_f64();
    println!(
        "\n{:.0} min of a call, {} turns: {:.1} s, {:.0} times real time",
        seconds / 60.0,
        rows.len(),
        took,
        seconds / took
    );
    std::fs::remove_file(path).expect("removed");
}
