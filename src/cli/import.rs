//! `voicesim import`: traces and call logs of agents that other programs run, as run folders.

use super::bar::Bar;
use super::file::unwritable;
use super::{Failure, Verdict, print_answer, print_json, print_plain};
use crate::files::{quoted, release};
use crate::measure::Measurement;
use crate::measure::folder::Results;
use crate::record::store::{self, Header, KeepAudio, RowsPer, RunFolder, is_run_folder};
use crate::report::calls::{self, Calls};
use crate::report::{document, imported, text};
use crate::run::{header_of, refuse_used, write_hlog};
use crate::scenario::ScenarioFile;
use crate::trace::{Format, How, ImportRecord, Imported};
use clap::Args;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// More files are not imported at once.
const FILES_MAX: usize = 100_000;
/// With more conversations than this they are not listed one by one: their histograms together would take gigabytes.
const LISTED_MAX: usize = 300;
/// The length of a folder's name.
const NAME_CHARS_MAX: usize = 100;

#[derive(Debug, Args)]
pub(super) struct Import {
    /// Traces (OTLP as JSON or protobuf, Jaeger, Tempo, Phoenix, Langfuse), call logs, or tables; or folders of them
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,
    /// Format of the files, where they do not show it themselves: otlp-json, otlp-protobuf, csv, parquet, or the name of
    /// a log whose mapping ships
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    format: Option<Format>,
    /// A TOML file that says which field of a log is what, and in which unit
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// Folder to write: one run folder, or one for each conversation if there are several
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print the report as one JSON document
    #[arg(long)]
    json: bool,
}

fn format(name: &str) -> Result<Format, String> {
    Format::named(name)
        .ok_or_else(|| format!("no such format; there are {}", Format::names().join(", ")))
}

impl Import {
    pub(super) fn run(self, is_quiet: bool) -> Result<Verdict, Failure> {
        let how = match &self.map {
            None => How::of(self.format),
            Some(path) => How::mapped(self.format, path)
                .map_err(|error| Failure::Input(format!("--map {}: {error}", path.display())))?,
        };
        refuse_used(&self.out)?;
        let files = self.files()?;
        let mut all = Imported::default();
        let mut skipped = Vec::new();
        for path in &files {
            let mut bar = Bar::of_bytes(&format!("reading {}", path.display()), is_quiet);
            let read = all.add(path, &how, &mut |done, whole| bar.show_bytes(done, whole));
            drop(bar);
            if let Err(error) = read {
                skipped.push(format!("{}: {error}", path.display()));
            }
        }
        if all.is_empty() {
            let reasons = match skipped.is_empty() {
                false => skipped.join("\n"),
                true => nothing_in(&files, &all),
            };
            return Err(Failure::Input(reasons));
        }
        let names: Vec<String> = files
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let record = ImportRecord::of(&all, names);
        let written = self.write(&all, &record, &skipped)?;
        // What was read is on disk: a large trace need not stay in memory.
        drop(all);
        self.report(written, &record, &skipped)?;
        Ok(Verdict::Fine)
    }

    fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut files = Vec::new();
        for path in &self.paths {
            let wrong = |error: std::io::Error| {
                Failure::Input(format!(
                    "{}: {error}; name a trace, a call log, or a folder of them",
                    path.display()
                ))
            };
            if is_run_folder(path) {
                return Err(Failure::Input(format!(
                    "{} is a run folder, which needs no import; see its report: voicesim report {}",
                    path.display(),
                    quoted(path)
                )));
            }
            if !fs::metadata(path).map_err(wrong)?.is_dir() {
                files.push(path.clone());
                continue;
            }
            let mut inside = Vec::new();
            for entry in path.read_dir().map_err(wrong)? {
                let entry = entry.map_err(wrong)?;
                let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
                if entry.path().is_file() && !is_hidden {
                    inside.push(entry.path());
                }
                if inside.len() > FILES_MAX {
                    return Err(Failure::Input(format!(
                        "{} holds more than {FILES_MAX} files; name them in parts",
                        path.display()
                    )));
                }
            }
            if inside.is_empty() {
                return Err(Failure::Input(format!(
                    "{} holds no files; name a trace, a call log, or a folder of them",
                    path.display()
                )));
            }
            inside.sort();
            files.extend(inside);
        }
        Ok(files)
    }

    /// Writes a run folder for each conversation, and what was found besides.
    fn write(
        &self,
        all: &Imported,
        record: &ImportRecord,
        skipped: &[String],
    ) -> Result<Written, Failure> {
        let mut written = Written {
            kept: Vec::new(),
            total: Measurement::of_nothing(),
            header: None,
        };
        let _mark = match all.len() {
            1 => None,
            _ => Some(store::claim(&self.out)?),
        };
        let mut taken = BTreeSet::new();
        for index in 0..all.len() {
            let Some((name, platform, has_no_times)) = all.described(index) else {
                continue;
            };
            let path = match all.len() {
                1 => self.out.clone(),
                _ => self.out.join(folder_name(name, &mut taken)),
            };
            let mut notes = vec![format!(
                "imported from a trace or log of {platform}: ends of speech and parts are the platform's own"
            )];
            if has_no_times {
                notes.push(
                    "it has lengths and no times of their ends: turns stand where they begin, or one after the other".into(),
                );
            }
            match all.len() {
                1 => notes.extend(imported::sentences(record)),
                _ => notes.push("what is wrong in the files is in import.json beside".into()),
            }
            notes.extend(skipped.iter().map(|file| format!("not read: {file}")));
            let mut header = header(name, platform, notes, all.began_ns(index))?;
            if has_no_times {
                header
                    .engines
                    .insert("times".into(), Header::LENGTHS_ALONE.into());
            }
            let folder = RunFolder::create(&path, &header, KeepAudio::No);
            let folder = folder?;
            all.write(index, folder).map_err(|error| {
                Failure::Unavailable(format!(
                    "cannot write {}: {error}; make room or choose another folder with --out",
                    path.display()
                ))
            })?;
            let Results::Run(mut run) = Results::open(&path).map_err(Failure::unavailable)? else {
                continue;
            };
            let events = run.events().map_err(Failure::unavailable)?;
            write_hlog(&path.join("latency.hlog"), &run.measured, &events)?;
            if all.len() == 1 {
                record.write(&path)?;
            }
            store::seal(&path)?;
            // Without the note that it is being written.
            run.header = store::read_header(&path)?;
            written.header.get_or_insert_with(|| run.header.clone());
            match all.len() <= LISTED_MAX {
                true => written.kept.push(Results::Run(run)),
                false => written.total.merge(&run.measured),
            }
        }
        match all.len() {
            1 => {}
            _ => {
                record.write(&self.out)?;
                release(&self.out)
                    .map_err(|error| unwritable(&self.out.display().to_string(), &error))?;
            }
        }
        Ok(written)
    }

    /// Reports on what was written, as `voicesim report` does.
    fn report(
        &self,
        written: Written,
        record: &ImportRecord,
        skipped: &[String],
    ) -> Result<(), Failure> {
        let Written {
            mut kept,
            total,
            header,
        } = written;
        let name = calls::folder_name(&self.out);
        let measured = match (kept.len(), header) {
            (0, Some(header)) => {
                let header = Header {
                    notes: vec![format!(
                        "{} conversations are too many to list; each has a folder of its own: voicesim report DIR",
                        record.conversations
                    )],
                    name,
                    ..header
                };
                if self.json {
                    return print_json(&calls::of_many(&header, &total, &[], &[]));
                }
                print_plain(&text::summary_report(&header, &total));
                total
            }
            (1, _) => {
                let Some(Results::Run(run)) = kept.pop() else {
                    return Ok(());
                };
                if self.json {
                    return print_json(&document::document(&run.header, &run.measured));
                }
                print_plain(&text::report(
                    &run.header,
                    &run.measured,
                    RowsPer::Utterance,
                ));
                run.measured
            }
            _ => {
                let Some(Calls { header, all, calls }) = super::page::calls(&name, kept) else {
                    return Ok(());
                };
                if self.json {
                    return print_json(&calls::of_many(&header, &all, &calls, &[]));
                }
                print_plain(&text::summary_report(&header, &all));
                print_plain(&calls::calls(&calls, &[]));
                all
            }
        };
        print_plain(&imported::text(record, skipped));
        let cut_offs = measured.cut_off_share();
        print_answer(&measured, cut_offs);
        Ok(())
    }
}

/// What came of an import.
struct Written {
    /// Every conversation, if they are few enough to be listed.
    kept: Vec<Results>,
    /// The figures of all, if they are not.
    total: Measurement,
    header: Option<Header>,
}

/// Why nothing came of files that could be read.
fn nothing_in(files: &[PathBuf], all: &Imported) -> String {
    let mut names: Vec<(&String, &u64)> = all.passed_over.iter().collect();
    names.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let names: Vec<String> = names
        .iter()
        .take(5)
        .map(|(name, count)| format!("{name} ({count})"))
        .collect();
    let what = match names.is_empty() {
        true => String::new(),
        false => format!("; it has {}", names.join(", ")),
    };
    let file = files.first().map(|path| path.display().to_string());
    format!(
        "{}: no conversation in it tells of a latency{what}; which spans and fields do: voicesim guide traces",
        file.unwrap_or_default()
    )
}

/// A name that a folder can have, and that no other one has.
fn folder_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' => letter,
        _ => '_',
    };
    let own: String = name.chars().take(NAME_CHARS_MAX).map(plain).collect();
    let own = match own.trim_matches('.') {
        "" => "conversation".to_owned(),
        own => own.to_owned(),
    };
    let mut chosen = own.clone();
    let mut number = 2;
    // Some systems do not tell large letters from small ones.
    while !taken.insert(chosen.to_lowercase()) {
        chosen = format!("{own}-{number}");
        number += 1;
    }
    chosen
}

fn header(
    name: &str,
    platform: &str,
    notes: Vec<String>,
    began_ns: Option<u64>,
) -> Result<Header, Failure> {
    let name: String = name.chars().take(300).collect();
    let mut file = ScenarioFile::default();
    file.labels.insert("platform".into(), platform.into());
    let mut scenario = file.parse().map_err(Failure::input)?;
    scenario.set_name(&name);
    let header = Header {
        clock: Header::TRACE.into(),
        engines: BTreeMap::from([("platform".into(), platform.into())]),
        notes,
        machine: String::new(),
        ..header_of(&scenario, RowsPer::Utterance)?
    };
    let began = began_ns.and_then(|ns| jiff::Timestamp::from_nanosecond(ns.into()).ok());
    Ok(match began {
        Some(began) => Header {
            started: began.to_string(),
            ..header
        },
        None => header,
    })
}

/// What an import found in a folder, for those who read folders.
pub(super) fn record_of(folder: &Path) -> Result<Option<ImportRecord>, Failure> {
    ImportRecord::read(folder).map_err(Failure::input)
}
