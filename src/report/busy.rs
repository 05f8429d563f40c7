//! What a report says first if the machine was too busy for its figures.

use crate::measure::{MachineBusy, Measurement, ms};
use crate::record::store::Header;

/// The clock of a run in real time, as its header names it.
const REAL: &str = "real";

/// A clock that comes this late makes a figure of half a second wrong by a tenth.
const LATE_MS: f64 = 50.0;

/// `None` if the machine was quiet enough. The latencies of a recording are not those of the machine that it
/// was measured on.
pub(super) fn machine_busy(header: &Header, measured: &Measurement) -> Option<MachineBusy> {
    if header.is_of_others() {
        return None;
    }
    measured.disturbance.machine_busy()
}

/// What was the matter, and what to do about it.
pub(super) fn sentence(header: &Header, measured: &Measurement) -> Option<String> {
    let Some(busy) = machine_busy(header, measured) else {
        return late(header, measured);
    };
    Some(format!(
        "This machine was too busy: other programs held about {:.1} of {} cores during {:.0} % of the engines' work; engine times are too high. Run it again on a quiet machine{}.",
        busy.cores_held,
        header.cores,
        100.0 * busy.share_of_work,
        if header.clock == REAL {
            ", or with --clock virtual, which is disturbed less"
        } else {
            ""
        }
    ))
}

/// What was the matter if the engines were not disturbed, or did not compute, and the clock came late all the same.
fn late(header: &Header, measured: &Measurement) -> Option<String> {
    let lag_ms = ms(measured.clock_lag_ns());
    (header.clock == REAL && lag_ms >= LATE_MS).then(|| {
        format!(
            "This machine was too busy: its clock came up to {lag_ms:.0} ms late, and so may everything that was timed. Run it again on a quiet machine, or with --clock virtual, which is never late."
        )
    })
}

/// The first line of a text report that says so; nothing if the machine was quiet enough.
pub(super) fn first_line(header: &Header, measured: &Measurement) -> String {
    sentence(header, measured).map_or_else(String::new, |sentence| sentence + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Mark};
    use crate::measure::folder::header_and_scenario;
    use crate::measure::{Plan, measure};
    use crate::record::store::{read_events, read_header};
    use crate::report::{document, text};
    use std::path::Path;
    use std::time::Duration;

    /// A demo that once ran, and the same while others held so much of what it could have used.
    fn demo(held: Option<f64>) -> (Header, Measurement) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
        let header = read_header(&folder).expect("a header");
        let (_, scenario) = header_and_scenario(&folder).expect("a scenario");
        let mut events = read_events(&folder).expect("events");
        events.iter_mut().for_each(|event| hold(event, held));
        let measured = measure(&events, &Plan::of(&scenario, header.rows_per));
        (header, measured)
    }

    fn hold(event: &mut Event, held: Option<f64>) {
        if let Mark::Exit {
            cost: Some(cost), ..
        } = &mut event.mark
        {
            cost.others_ns = held.map(|held| (cost.wall_ns as f64 * held) as u64);
        }
    }

    fn first_line_of(header: &Header, measured: &Measurement) -> String {
        let text = text::report(header, measured, header.rows_per);
        text.lines().next().unwrap_or_default().to_owned()
    }

    #[test]
    fn the_first_line_says_that_the_machine_was_too_busy() {
        let (header, measured) = demo(Some(1.0));
        insta::assert_snapshot!(first_line_of(&header, &measured), @"This machine was too busy: other programs held about 1.0 of 2 cores during 100 % of the engines' work; engine times are too high. Run it again on a quiet machine.");
        assert_eq!(
            text::summary_report(&header, &measured).lines().next(),
            sentence(&header, &measured).as_deref()
        );
    }

    #[test]
    fn the_document_says_it_too() {
        let (header, measured) = demo(Some(1.0));
        let document = document::document(&header, &measured);
        insta::assert_json_snapshot!(document.machine_busy);
    }

    #[test]
    fn a_quiet_run_and_one_of_before_this_was_recorded_say_nothing() {
        for held in [None, Some(0.0), Some(0.2)] {
            let (header, measured) = demo(held);
            assert_eq!(sentence(&header, &measured), None, "{held:?}");
            assert!(first_line_of(&header, &measured).starts_with("demo · "));
            let document = serde_json::to_string(&document::document(&header, &measured));
            assert!(!document.expect("JSON").contains("machine_busy"));
        }
    }

    #[test]
    fn a_clock_that_came_late_is_told_first_too_though_nothing_was_computed() {
        let (header, mut measured) = demo(None);
        let header = Header {
            clock: REAL.to_owned(),
            ..header
        };
        measured.clock_lag = Duration::from_millis(49);
        assert_eq!(sentence(&header, &measured), None);
        measured.clock_lag = Duration::from_millis(240);
        insta::assert_snapshot!(first_line_of(&header, &measured), @"This machine was too busy: its clock came up to 240 ms late, and so may everything that was timed. Run it again on a quiet machine, or with --clock virtual, which is never late.");
    }

    #[test]
    fn on_the_real_clock_it_says_how_else_to_run() {
        let (header, measured) = demo(Some(1.0));
        let header = Header {
            clock: REAL.to_owned(),
            ..header
        };
        assert!(first_line_of(&header, &measured).contains("--clock virtual"));
    }

    #[test]
    fn a_recording_of_a_call_is_not_judged_by_the_machine_that_measures_it() {
        let (header, measured) = demo(Some(1.0));
        let header = Header {
            clock: Header::RECORDING.to_owned(),
            ..header
        };
        assert_eq!(sentence(&header, &measured), None);
    }
}
