use super::*;
use crate::event::{
    Event, Expect, Mark, ResilienceStep, SessionEnd, SessionId, StageName, Tick, TurnId,
};
use crate::measure::test_rows::{any_row, row};
use crate::measure::{Outcome, Row};
use proptest::prelude::*;

/// A conversation that the fold can be given.
#[derive(Debug, Clone)]
struct Recording {
    conversation: u32,
    rows: Vec<Row>,
    events: Vec<Event>,
}

fn mark() -> impl Strategy<Value = Mark> {
    prop_oneof![
        any::<u64>().prop_map(|gap_ns| Mark::PlaybackGap {
            at: Tick(1),
            gap_ns
        }),
        Just(Mark::SpeculationDropped),
        Just(Mark::CallerStartedAgain),
        Just(Mark::CallerGaveUp),
        Just(Mark::Cured {
            stage: StageName::Answer,
            by: ResilienceStep::Retried,
        }),
        Just(Mark::SessionEnded {
            cause: SessionEnd::Finished
        }),
    ]
}

prop_compose! {
    fn recording()(
        conversation in any::<u32>(),
        rows in prop::collection::vec(any_row(), 0..5),
        marks in prop::collection::vec(mark(), 0..5),
    ) -> Recording {
        let event = |mark| Event {
            tick: Tick(1),
            session: SessionId(conversation),
            turn: TurnId(1),
            mark,
        };
        Recording { conversation, rows, events: marks.into_iter().map(event).collect() }
    }
}

fn totals(recordings: &[Recording]) -> Totals {
    let mut totals = Totals::default();
    for one in recordings {
        totals.measured.add(&one.events, &one.rows);
        totals.batches.add(one.conversation, &one.events, &one.rows);
        totals.conversations += 1;
    }
    totals
}

const BYTES: Sizes = Sizes {
    turns: 17,
    events: 0,
};

fn json(totals: &Totals) -> Vec<u8> {
    totals.to_json(BYTES).expect("written")
}

fn read(json: &[u8]) -> Result<(Totals, Sizes), TotalsError> {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join(TOTALS), json).expect("written");
    Totals::read(folder.path())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_written_and_read_adds_up_to_the_same(
        recordings in prop::collection::vec(recording(), 0..12),
        cut in 0usize..12,
    ) {
        let cut = cut.min(recordings.len());
        let whole = totals(&recordings);
        let (mut merged, bytes) = read(&json(&totals(&recordings[..cut]))).expect("read");
        prop_assert_eq!(bytes, BYTES);
        let (second, _) = read(&json(&totals(&recordings[cut..]))).expect("read");
        prop_assert!(merged.has_room_for(&second));
        merged.merge(&second);
        prop_assert_eq!(json(&merged), json(&whole));
        for (metric, histogram) in &whole.measured.metrics {
            prop_assert_eq!(merged.measured.metrics[metric].summary(), histogram.summary());
            prop_assert_eq!(merged.measured.metrics[metric].answered().hdr(), histogram.answered().hdr());
        }
        prop_assert_eq!(&merged.measured.interruptions, &whole.measured.interruptions);
        prop_assert_eq!(merged.intervals(), whole.intervals());
        prop_assert_eq!(merged.measured.is_cut_short, whole.measured.is_cut_short);
    }

    #[test]
    fn a_damaged_file_is_an_error_and_nothing_worse(
        recordings in prop::collection::vec(recording(), 1..4),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = json(&totals(&recordings));
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok((own, _)) = read(&bytes) {
            let mut sum = own.clone();
            sum.merge(&own);
            json(&sum);
        }
    }
}

fn refused(from: &str, to: &str, says: &str) {
    let rows = [Row {
        expect: Some(Expect::Stop),
        ..row(1, Outcome::Stopped)
    }];
    let recording = Recording {
        conversation: 1,
        rows: rows.into(),
        events: Vec::new(),
    };
    let text = String::from_utf8(json(&totals(&[recording]))).expect("text");
    assert!(text.contains(from), "{from} is not in {text}");
    let error = read(text.replacen(from, to, 1).as_bytes()).expect_err(says);
    let error = error.to_string();
    assert!(error.contains(says) && error.contains(TOTALS), "{error}");
    assert!(error.contains("simulate again"), "{error}");
}

#[test]
fn figures_that_cannot_be_are_refused() {
    let text = String::from_utf8(json(&Totals::default())).expect("text");
    let (_, batches) = text.split_once("\"batches\":[").expect("batches");
    let (batch, _) = batches.split_once("},{").expect("several");
    let batch = format!("{batch}}}");
    let with = |e2e: &str| {
        let open = &batch[..batch.len() - 1];
        format!("{open},\"metrics\":{{\"e2e_latency\":{e2e}}}}}")
    };
    refused("totals/2", "totals/3", "its schema");
    refused(",\"turns\":1", ",\"turns\":0", "do not add up");
    refused(
        "\"missed_barge_ins\":0",
        "\"missed_barge_ins\":2",
        "do not add up",
    );
    refused("\"exact\":0", "\"exact\":2", "more than turns = 1");
    refused(
        "\"votes\":0",
        "\"votes\":1099511627777",
        "more than there can be",
    );
    refused(&format!("{batch},"), "", "63 batches");
    refused(
        &batch,
        &with("{\"sum_ns\":\"600\",\"buckets\":[[0,1]]}"),
        "not those of e2e_latency",
    );
    refused(
        &batch,
        &with("{\"sum_ns\":\"600\",\"buckets\":[[99999,1]]}"),
        "has a bucket 99999",
    );
    refused(
        &batch,
        &batch.replacen("\"questions\":0", "\"questions\":1099511627777", 1),
        "counts 1099511627777",
    );
    refused("\"metrics\":{}", "\"metrics\":[]", "invalid type");
    refused(",\"turns\":1", ",\"turns\":-1", "invalid value");
    refused("{", "", "expected");
}

#[test]
fn a_metric_of_another_version_is_told_with_that_version() {
    let json = String::from_utf8(json(&Totals::default())).expect("text");
    let sparse = "{\"count\":0,\"sum_ns\":\"0\",\"max_ns\":0,\"buckets\":[]}";
    let later = json
        .replace(
            "\"metrics\":{}",
            &format!("\"metrics\":{{\"lunch\":{sparse}}}"),
        )
        .replace(env!("CARGO_PKG_VERSION"), "9.8.7");
    let error = read(later.as_bytes())
        .expect_err("no such metric")
        .to_string();
    assert!(error.contains("no metric \"lunch\""), "{error}");
    assert!(error.contains("voicesim 9.8.7"), "{error}");
}

#[test]
fn counts_without_room_are_seen_before_they_are_added() {
    let mut totals = Totals::default();
    totals.measured.turns = 3_000_000_000;
    assert!(totals.has_room_for(&Totals::default()));
    assert!(!totals.has_room_for(&totals));
}
