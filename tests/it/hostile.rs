//! Text that breaks careless writers, in every export. A run of which each turn was heard and answered in
//! such a text is made from one that was recorded.

use crate::support::{stderr, voicesim};
use quick_junit::Report;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// One for each turn of the recorded run.
pub(crate) fn texts() -> [String; 8] {
    [
        "<script>alert(1)</script> & \"quotes\" 'and' <!-- -->".into(),
        "👩‍👩‍👧‍👦 🏳️‍🌈 naïve Zürich 日本語".into(),
        "\u{202e}שלום\u{202c} مرحبا".into(),
        "long ".repeat(2_000),
        "a, \"b\"; c\nd\r\ne\t|f| \\g".into(),
        "before\0after \u{1b}[2J\u{7} ]]> <![CDATA[".into(),
        "=HYPERLINK(\"http://example.org\";\"click\")".into(),
        "@SUM(1+1)*cmd|' /C calc'!A0 \u{fffe}\u{feff}".into(),
    ]
}

/// A folder of that run; `folder` is where to make it.
pub(crate) fn write(folder: &Path) -> PathBuf {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data/recorded");
    let run = folder.join("=1+1 <b>\"x\"\u{202e} '; --");
    fs::create_dir_all(&run).expect("made");
    let header = fs::read_to_string(recorded.join("header.json")).expect("a header");
    let mut header: Value = serde_json::from_str(&header).expect("JSON");
    header["name"] = texts()[0].clone().into();
    header["scenario"]["turn"][0]["text"] = texts()[5].clone().into();
    fs::write(run.join("header.json"), header.to_string()).expect("written");
    let events = fs::read_to_string(recorded.join("events.jsonl")).expect("events");
    let lines = events.lines().map(|line| hostile(line) + "\n");
    fs::write(run.join("events.jsonl"), lines.collect::<String>()).expect("written");
    run
}

/// An event in which everything that was heard, said or thought is such a text, by its turn.
fn hostile(line: &str) -> String {
    let mut event: Value = serde_json::from_str(line).expect("an event");
    let turn = event["turn"].as_u64().expect("a turn") as usize;
    let text = texts()[turn.saturating_sub(1) % 8].clone();
    for key in ["text", "heard", "question", "policy"] {
        if event[key].is_string() {
            event[key] = text.clone().into();
        }
    }
    if event["reasons"].is_array() {
        event["reasons"] = vec![text.clone()].into();
    }
    event.to_string()
}

/// What each row was heard as, by the report.
fn heard(run: &Path) -> Vec<String> {
    let output = voicesim(&["report", &run.to_string_lossy(), "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("a document");
    let rows = document["detail"].as_array().expect("rows");
    let heard = |row: &Value| row["heard"].as_str().expect("a text").to_owned();
    rows.iter().map(heard).collect()
}

struct Exported {
    _folder: tempfile::TempDir,
    run: PathBuf,
    at: PathBuf,
}

fn exported() -> Exported {
    let folder = tempfile::tempdir().expect("a folder");
    let run = write(folder.path());
    let at = folder.path().to_owned();
    let of = |name: &str| at.join(name).to_string_lossy().into_owned();
    let output = voicesim(&[
        "report",
        &run.to_string_lossy(),
        "--csv",
        &of("csv"),
        "--parquet",
        &of("parquet"),
        "--hgrm",
        &of("hgrm"),
        "--perfetto",
        &of("perfetto"),
        "--junit",
        &of("junit"),
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    Exported {
        _folder: folder,
        run,
        at,
    }
}

#[test]
fn every_text_is_in_the_report_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let heard = heard(&write(folder.path()));
    assert_eq!(heard.len(), 8);
    let all = texts();
    assert!(heard.iter().all(|heard| all.contains(heard)));
    assert!(
        all.iter().all(|text| heard.contains(text)),
        "each one is somewhere"
    );
}

#[test]
fn csv_holds_every_text_and_no_formula() {
    let exported = exported();
    let mut csv = csv::Reader::from_path(exported.at.join("csv")).expect("a file");
    let names = csv.headers().expect("names").clone();
    let column = names
        .iter()
        .position(|name| name == "heard")
        .expect("a column");
    let rows: Vec<csv::StringRecord> = csv.records().map(|row| row.expect("a row")).collect();
    for (row, heard) in rows.iter().zip(heard(&exported.run)) {
        let is_formula = heard.starts_with(['=', '+', '-', '@', '\t']);
        let expected = heard.replace('\0', "\u{fffd}");
        let expected = if is_formula {
            format!("'{expected}")
        } else {
            expected
        };
        assert_eq!(&row[column], expected);
        for cell in row {
            assert!(!cell.starts_with(['=', '+', '@']), "{cell}");
        }
    }
    assert_eq!(rows.len(), 8);
}

#[test]
fn parquet_holds_every_text_as_it_is() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let exported = exported();
    let file = fs::File::open(exported.at.join("parquet")).expect("a file");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let rows = reader.get_row_iter(None).expect("rows");
    let text = |row: parquet::record::Row| {
        let mut columns = row.get_column_iter();
        let found = columns
            .find(|(name, _)| *name == "heard")
            .expect("a column");
        match found.1 {
            parquet::record::Field::Str(text) => text.clone(),
            other => panic!("{other:?} is no text"),
        }
    };
    let texts: Vec<String> = rows.map(|row| text(row.expect("a row"))).collect();
    assert_eq!(texts, heard(&exported.run));
}

#[test]
fn the_trace_holds_every_text_as_it_is() {
    let exported = exported();
    let json = fs::read_to_string(exported.at.join("perfetto")).expect("a file");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let events = json["traceEvents"].as_array().expect("events");
    let is_turn = |event: &&Value| {
        let name = event["name"].as_str().expect("a name");
        name.starts_with("turn ") && event["ph"] == "X"
    };
    let shown = events.iter().filter(is_turn);
    let shown: Vec<&str> = shown
        .filter_map(|turn| turn["args"]["heard"].as_str())
        .collect();
    let heard = heard(&exported.run);
    assert_eq!(shown.len(), 8);
    assert!(
        shown
            .iter()
            .all(|text| heard.iter().any(|heard| heard == text))
    );
}

#[test]
fn the_test_report_is_xml_whatever_was_said() {
    let exported = exported();
    let xml = fs::read_to_string(exported.at.join("junit")).expect("a file");
    let is_allowed =
        |c: char| matches!(c, '\n' | '\t') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'));
    assert!(xml.chars().all(is_allowed));
    let report = Report::deserialize_from_str(&xml).expect("a report");
    assert_eq!(report.tests, 8);
    let names = report
        .test_suites
        .iter()
        .flat_map(|suite| &suite.test_cases);
    for case in names {
        assert!(case.name.as_str().chars().count() < 120, "{:?}", case.name);
    }
}
