//! `voicesim measure --claimed`: claims of latencies, beside what is heard.

use super::{Failure, print_plain};
use crate::compare::claims::{self, Calls, Claimed, Claims, HeardCall};
use crate::report::calls::MeasuredCall;
use crate::report::claimed;
use crate::report::document::Skipped;
use std::path::Path;

/// Reads claims, before anything is measured.
pub(super) fn read(path: &Path, calls: Calls) -> Result<Claims, Failure> {
    Claims::read(path, calls).map_err(Failure::input)
}

/// What came of the claims. What is wrong with them is said last: the calls were measured all the same.
#[derive(Default)]
pub(super) struct Joined {
    claimed: Option<Claimed>,
    failure: Option<Failure>,
}

/// Joins claims, if there are any, with the calls that were measured.
pub(super) fn join(claims: Option<&Claims>, calls: &[MeasuredCall], skipped: &[Skipped]) -> Joined {
    let Some(claims) = claims else {
        return Joined::default();
    };
    let heard: Vec<HeardCall<'_>> = calls.iter().map(heard).collect();
    let skipped: Vec<String> = skipped.iter().map(|file| file.call.clone()).collect();
    match claims::join(claims, &heard, &skipped) {
        Ok(claimed) => Joined {
            failure: (claimed.joined() == 0).then(|| nothing_joined(&claimed)),
            claimed: Some(claimed),
        },
        Err(error) => Joined {
            claimed: None,
            failure: Some(Failure::input(error)),
        },
    }
}

fn heard(call: &MeasuredCall) -> HeardCall<'_> {
    HeardCall {
        name: &call.name,
        rows: &call.measured.rows,
        takes_doubtful: call.measured.doubtful.are_in,
    }
}

fn nothing_joined(claimed: &Claimed) -> Failure {
    Failure::Input(format!(
        "--claimed {}: no claim belongs to an answered turn, as the list of claims says one by one; check that turns are numbered as in this report, or that times count from the beginning of the recording",
        claimed.source
    ))
}

impl Joined {
    /// For the document of the report.
    pub(super) fn document(&self) -> Option<Claimed> {
        self.claimed.clone()
    }

    /// For people.
    pub(super) fn print(&self) {
        if let Some(claimed) = &self.claimed {
            print_plain(&claimed::text(claimed));
        }
    }

    /// Fails if not one claim belongs to a turn: then the claims are of other calls, or their times of another clock.
    pub(super) fn finish(self) -> Result<(), Failure> {
        self.failure.map_or(Ok(()), Err)
    }
}
