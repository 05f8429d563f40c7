use super::*;

fn read_text(text: &str, calls: Calls) -> Result<Claims, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("claims.csv");
    std::fs::write(&path, text).expect("written");
    read(&path, calls).map_err(|error| error.to_string())
}

#[test]
fn every_column_with_a_unit_is_a_claim_of_its_own_in_milliseconds() {
    let text = "Call,Turn,E2E Latency (ms),ttfb_s,note,voice_s\n\"a, b.wav\",2.0,812.5,.35,fine,anna\nc,3,,NaN,,\n";
    let claims = read_text(text, Calls::Many).expect("claims");
    assert_eq!(claims.columns, ["e2e_latency_ms", "ttfb_ms"]);
    assert_eq!(claims.rows[0].claimed_ms, [Some(812.5), Some(350.0)]);
    assert_eq!(claims.rows[0].call.as_deref(), Some("a, b.wav"));
    assert_eq!((claims.rows[0].turn, claims.rows[0].line), (Some(2), 2));
    assert_eq!(claims.rows[1].claimed_ms, [None, None]);
}

#[test]
fn times_are_seconds_milliseconds_or_minutes() {
    let at = |header: &str, cell: &str| {
        let text = format!("{header},latency_ms\n{cell},1\n");
        let claims = read_text(&text, Calls::One).unwrap_or_else(|error| panic!("{error}"));
        claims.rows[0].at.map(|at| (at.ms, at.of))
    };
    assert_eq!(at("time_s", "83.4"), Some((83_400.0, Moment::Either)));
    assert_eq!(at("at_ms", "83400"), Some((83_400.0, Moment::Either)));
    assert_eq!(at("time", "1:23.5"), Some((83_500.0, Moment::Either)));
    assert_eq!(at("offset", "0:01:23"), Some((83_000.0, Moment::Either)));
    assert_eq!(
        at("caller_end_ns", "5e9"),
        Some((5_000.0, Moment::CallerEnd))
    );
    assert_eq!(
        at("caller_end_s,agent_start_s", "5,6"),
        Some((6_000.0, Moment::AgentStart))
    );
}

#[test]
fn a_spreadsheet_with_semicolons_and_decimal_commas_is_read() {
    let claims = read_text("\u{feff}turn;latency_s\n1;0,35\n", Calls::One).expect("claims");
    assert_eq!(claims.rows[0].claimed_ms, [Some(350.0)]);
}

#[test]
fn what_cannot_be_read_is_named_with_the_cure() {
    let cases = [
        (
            "turn,latency_ms\n1,5\n2,soon\n",
            "line 3, column latency_ms: \"soon\" is no number",
        ),
        (
            "turn,latency_ms\n0,5\n",
            "line 2, column turn: turns are counted from one",
        ),
        (
            "turn,latency_ms\nlast,5\n",
            "line 2, column turn: \"last\" is no number of a turn",
        ),
        (
            "time_s,latency_ms\n-3,5\n",
            "line 2, column time_s: \"-3\" is no time since",
        ),
        (
            "time_s,latency_ms\n,5\n",
            "line 2, column time_s: the line says of no turn",
        ),
        (
            "turn,stamp_ms\n1,1732860000000\n",
            "line 2, column stamp_ms: 1732860000000 is more than an hour",
        ),
        (
            "latency_ms\n5\n",
            "line 1 has neither a column \"turn\" nor one with a time",
        ),
        ("turn,latency\n1,5\n", "line 1 has no column of latencies"),
        ("turn,latency_ms\n", "a header and no claims"),
        (
            "turn,latency_ms\n1,5,6\n",
            "line 2 has 3 cells, and the header has 2",
        ),
        (
            "turn,turn,latency_ms\n1,1,5\n",
            "two columns named \"turn\"",
        ),
        ("", "line 1 has neither"),
    ];
    for (text, expected) in cases {
        let error = read_text(text, Calls::One).expect_err(expected);
        assert!(
            error.contains("claims.csv") && error.contains(expected),
            "{error}"
        );
    }
    let error = read_text("turn,latency_ms\n1,5\n", Calls::Many).expect_err("no call");
    assert!(error.contains("no column \"call\""), "{error}");
    let error = read_text("call,turn,latency_ms\n,1,5\n", Calls::Many).expect_err("no call");
    assert!(
        error.contains("line 2, column call: the cell is empty"),
        "{error}"
    );
    let long = format!("turn,x,latency_ms\n1,{},5\n", "x".repeat(2_000));
    let error = read_text(&long, Calls::One).expect_err("long");
    assert!(
        error.contains("line 2, column x: the cell is longer"),
        "{error}"
    );
}
