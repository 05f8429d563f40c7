use super::*;
use crate::compare::claims::{At, Claimed};
use crate::event::{Metric, Tick};
use crate::measure::test_rows::row;
use crate::measure::{Outcome, Reason};
use std::path::PathBuf;

/// A row whose question ended at `end_ms`, answered after `e2e_ms` if at all.
fn turn(number: u32, end_ms: u64, e2e_ms: Option<u64>) -> Row {
    let outcome = match e2e_ms {
        Some(_) => Outcome::Answered,
        None => Outcome::Missed,
    };
    let waited = (Metric::E2eLatency, 3_000_000_000);
    Row {
        caller_end: Some(Tick::from_ms(end_ms)),
        agent_start: e2e_ms.map(|e2e| Tick::from_ms(end_ms + e2e)),
        e2e_ns: e2e_ms.map(|e2e| e2e * 1_000_000),
        unanswered: e2e_ms.is_none().then_some(Reason::NothingCame),
        in_vain: e2e_ms.is_none().then_some(waited).into_iter().collect(),
        ..row(number, outcome)
    }
}

fn claim(line: u64, at: Option<(f64, Moment)>, turn: Option<u32>, ms: f64) -> Claim {
    Claim {
        line,
        call: None,
        platform: None,
        turn,
        at: at.map(|(ms, of)| At { ms, of }),
        place: None,
        claimed_ms: vec![Some(ms)],
    }
}

fn joined(rows: Vec<Claim>, heard: &[Row]) -> Claimed {
    let claims = claims(rows);
    let call = HeardCall {
        name: "call",
        rows: heard,
        takes_doubtful: false,
    };
    join(&claims, &[call], &[]).expect("joined")
}

fn claims(rows: Vec<Claim>) -> Claims {
    Claims {
        path: PathBuf::from("claims.csv"),
        columns: vec!["e2e_ms".into()],
        rows,
    }
}

fn whys(of: &Claimed) -> Vec<(u64, &str)> {
    let shown = of.platforms[0].claims_unheard.shown.iter();
    shown
        .map(|claim| (claim.line, claim.why.as_str()))
        .collect()
}

#[test]
fn a_claim_belongs_to_the_nearest_turn_and_to_no_other() {
    let heard = [turn(1, 10_000, Some(900)), turn(2, 13_000, Some(1_000))];
    let at = |ms| Some((ms, Moment::AgentStart));
    let of = joined(
        vec![
            // Both are nearest to the first turn; the later line is the nearer one.
            claim(2, at(11_400.0), None, 300.0),
            claim(3, at(10_800.0), None, 400.0),
            claim(4, at(13_500.0), None, 500.0),
            claim(5, at(30_000.0), None, 1.0),
        ],
        &heard,
    );
    let column = &of.platforms[0].columns[0];
    assert_eq!((column.joined, column.bias_ms), (2, Some(500.0)));
    assert_eq!(
        whys(&of),
        [
            (2, "turn 1 has the claim of line 3 already"),
            (5, "the nearest turn, 2, lies 16.0 s away")
        ]
    );
    assert_eq!(of.platforms[0].turns_unclaimed.count, 0);
}

#[test]
fn the_bound_of_two_seconds_is_held_to_the_millisecond() {
    let heard = [turn(1, 10_000, Some(500))];
    for (ms, joins) in [(12_500.0, 1), (12_501.0, 0), (8_500.0, 1), (8_499.0, 0)] {
        let of = joined(
            vec![claim(2, Some((ms, Moment::AgentStart)), None, 1.0)],
            &heard,
        );
        assert_eq!(of.joined(), joins, "{ms}");
    }
    // The end of the question is another moment; a bare time is either, or between.
    for (ms, of, joins) in [
        (12_300.0, Moment::CallerEnd, 0),
        (12_300.0, Moment::Either, 1),
        (8_100.0, Moment::Either, 1),
    ] {
        assert_eq!(
            joined(vec![claim(2, Some((ms, of)), None, 1.0)], &heard).joined(),
            joins
        );
    }
}

#[test]
fn an_answer_that_nobody_heard_is_claimed_in_vain() {
    let heard = [
        turn(1, 10_000, None),
        turn(2, 20_000, Some(700)),
        row(3, Outcome::Ignored),
    ];
    let of = joined(
        vec![
            claim(2, Some((11_000.0, Moment::AgentStart)), None, 600.0),
            claim(3, None, Some(2), 600.0),
            claim(4, None, Some(3), 600.0),
            claim(5, None, Some(9), 600.0),
            claim(6, None, Some(1), 600.0),
        ],
        &heard,
    );
    let platform = &of.platforms[0];
    assert_eq!(platform.unanswered.count, 1);
    let unanswered = &platform.unanswered.shown[0];
    assert_eq!((unanswered.line, unanswered.turn), (2, Some(1)));
    assert_eq!(
        unanswered.why,
        "no answer is heard: nothing came, and 3.0 s passed"
    );
    assert_eq!(platform.columns[0].joined, 1);
    assert_eq!(
        whys(&of),
        [
            (4, "turn 3 has no latency: ignored"),
            (5, "the call has 3 turns"),
            (6, "turn 1 has the claim of line 2 already"),
        ]
    );
}

#[test]
fn platforms_claim_the_same_turns_each_for_itself() {
    let heard = [turn(1, 10_000, Some(1_000)), turn(2, 20_000, Some(1_000))];
    let of_platform = |name: &str, line, turn, ms| Claim {
        platform: Some(name.into()),
        ..claim(line, None, Some(turn), ms)
    };
    let of = joined(
        vec![
            of_platform("b", 2, 1, 500.0),
            of_platform("a", 3, 1, 900.0),
            of_platform("a", 4, 2, 700.0),
        ],
        &heard,
    );
    let told = |place: usize| {
        let platform = &of.platforms[place];
        (
            platform.platform.as_deref(),
            platform.columns[0].bias_ms,
            platform.turns_unclaimed.count,
        )
    };
    assert_eq!(told(0), (Some("a"), Some(200.0), 0));
    assert_eq!(told(1), (Some("b"), Some(500.0), 1));
}

#[test]
fn a_record_with_a_clock_of_its_own_is_joined_by_the_order_of_its_answers() {
    let heard = [turn(1, 10_000, Some(1_000)), turn(2, 20_000, Some(1_000))];
    let of_run = |place, at: f64, ms| Claim {
        place: Some(place),
        ..claim(1, Some((at, Moment::AgentStart)), Some(1), ms)
    };
    let shifted = vec![of_run(0, 61_000.0, 600.0), of_run(1, 71_000.0, 400.0)];
    let of = joined(shifted, &heard);
    assert!(of.platforms[0].is_by_order);
    assert_eq!(of.platforms[0].columns[0].bias_ms, Some(500.0));
    // Another number of answers leaves it open which is which.
    let one = joined(vec![of_run(0, 61_000.0, 600.0)], &heard);
    assert_eq!(
        (one.joined(), one.platforms[0].claims_unheard.count),
        (0, 1)
    );
}

#[test]
fn calls_that_only_one_side_knows_are_told() {
    let heard = [turn(1, 10_000, Some(1_000))];
    let of_call = |call: &str, line| Claim {
        call: Some(call.into()),
        ..claim(line, None, Some(1), 500.0)
    };
    let call = |name| HeardCall {
        name,
        rows: &heard,
        takes_doubtful: false,
    };
    let calls = [call("x/a.wav"), call("y/a.wav"), call("y/b.wav")];
    let own = claims(vec![
        of_call("b", 2),
        of_call("a", 3),
        of_call("silent", 4),
        of_call("gone.wav", 5),
    ]);
    let of = join(&own, &calls, &["silent.wav".into()]).expect("joined");
    let told: Vec<&str> = whys(&of).into_iter().map(|(_, why)| why).collect();
    assert_eq!(
        told,
        [
            "several calls have this name; write it with its folder and ending",
            "the call could not be measured",
            "no recording has this name"
        ]
    );
    assert_eq!((of.calls_unclaimed.count, of.joined()), (2, 1));
    // Where one call is measured, a table of all calls is no mistake.
    let of = join(&own, &calls[2..], &[]).expect("joined");
    assert_eq!((of.of_other_calls, of.joined()), (3, 1));
    let error = join(&claims(vec![of_call("z", 2)]), &calls, &[]).expect_err("no call");
    assert!(
        error.to_string().contains("none of its calls (z, …)"),
        "{error}"
    );
}

#[test]
fn a_claim_of_a_doubtful_turn_is_counted_and_no_part_of_the_bias() {
    let mut rows = [turn(1, 1_000, Some(600)), turn(2, 9_000, Some(900))];
    rows[1].doubtful = Some(crate::event::Doubt::Noise);
    let both = || {
        vec![
            claim(2, None, Some(1), 500.0),
            claim(3, None, Some(2), 100.0),
        ]
    };
    let of = |takes_doubtful: bool| {
        let claims = claims(both());
        let call = HeardCall {
            name: "call",
            rows: &rows,
            takes_doubtful,
        };
        let joined = join(&claims, &[call], &[]).expect("joined");
        let platform = &joined.platforms[0];
        let unclaimed = platform.turns_unclaimed.count;
        (
            platform.columns[0].joined,
            platform.doubtful.count,
            unclaimed,
        )
    };
    assert_eq!(of(false), (1, 1, 0));
    assert_eq!(of(true), (2, 0, 0));
}
