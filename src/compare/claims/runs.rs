//! Claims of run folders: what a run says of its own answers, or an imported trace of a platform's.

use super::{At, Calls, Claim, ClaimError, Claims, Moment};
use crate::event::Metric;
use crate::measure::folder::{Folder, MeasuredRun, Results};
use std::path::Path;
use std::sync::Arc;

/// The label of a run's scenario that says whose record it is.
const PLATFORM: &str = "platform";

/// The latencies of the runs in a folder. A run is a claim of the call with the name of its folder.
pub(super) fn read(path: &Path, calls: Calls) -> Result<Claims, ClaimError> {
    let folder = Folder::open(path)?;
    let mut rows = Vec::new();
    for kept in folder.all() {
        let Results::Run(run) = kept else {
            return Err(ClaimError::Simulation {
                path: kept.path().to_owned(),
            });
        };
        let is_alone = calls == Calls::One && matches!(folder, Folder::One(_));
        let call = (!is_alone).then(|| name(run));
        rows.extend(claims(run, call.as_ref()));
    }
    if rows.is_empty() {
        return Err(ClaimError::Table {
            path: path.to_owned(),
            reason: "no turn in it was answered, so it claims nothing; name another folder".into(),
        });
    }
    Ok(Claims {
        path: path.to_owned(),
        columns: vec![format!("{}_ms", Metric::E2eLatency)],
        rows,
    })
}

fn claims<'a>(
    run: &'a MeasuredRun,
    call: Option<&'a Arc<str>>,
) -> impl Iterator<Item = Claim> + 'a {
    let platform = run.scenario.file().labels.get(PLATFORM);
    let platform: Option<Arc<str>> = platform.map(|name| name.as_str().into());
    let rows = run.measured.rows.iter();
    // A log of lengths alone has no time at which anything was.
    let has_times = !run.header.engines.contains_key("times");
    let answered = rows.filter_map(|row| Some((row, row.e2e_ns?, row.agent_start?)));
    answered
        .enumerate()
        .map(move |(place, (row, e2e_ns, start))| Claim {
            line: row.number.into(),
            call: call.cloned(),
            platform: platform.clone(),
            turn: Some(row.number),
            at: has_times.then(|| At {
                ms: crate::measure::ms(start.0),
                of: Moment::AgentStart,
            }),
            place: has_times.then_some(place),
            claimed_ms: vec![Some(crate::measure::ms(e2e_ns))],
        })
}

fn name(run: &MeasuredRun) -> Arc<str> {
    let folder = run.path.file_name().unwrap_or_default();
    folder.to_string_lossy().into()
}
