//! Indexes that were damaged and then sealed again, so that every hash fits: each is refused with the cure, or answers.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Knowledge, Preparation, build};
use crate::rng::{Seed, Stream};

const DAMAGES: u64 = 600;
const SETTINGS: &str = "voicesim-index.json";

fn built(folder: &Path) -> Vec<String> {
    let documents = folder.join("documents");
    fs::create_dir(&documents).unwrap();
    let text: String = (0..40)
        .map(|n| {
            format!("## Loaf {n}\nLoaf {n} costs {n} crowns on Sundays, when we open at 9:00.\n")
        })
        .collect();
    fs::write(documents.join("shop.md"), format!("# Shop\n{text}")).unwrap();
    build(&documents, Preparation::default(), &folder.join("index")).unwrap();
    let terms = fs::read_dir(folder.join("index/terms")).unwrap();
    let mut names: Vec<String> = terms
        .map(|file| format!("terms/{}", file.unwrap().file_name().display()))
        .filter(|name| !name.ends_with(".lock"))
        .collect();
    // A build names its files at random, but for their ends.
    names.sort_by_key(|name| name.rsplit('.').next().map(str::to_owned));
    names.push("passages.jsonl".into());
    names
}

fn below(stream: &mut Stream, count: usize) -> usize {
    (stream.uniform() * count as f64) as usize
}

fn damaged(mut bytes: Vec<u8>, stream: &mut Stream) -> Vec<u8> {
    for _ in 0..=below(stream, 4) {
        let at = below(stream, bytes.len());
        match below(stream, 4) {
            0 => bytes.truncate(at),
            1 => bytes[at] = 0xff,
            2 => bytes[at] ^= 1 << below(stream, 8),
            _ => bytes.insert(at, 0),
        }
        if bytes.is_empty() {
            break;
        }
    }
    bytes
}

fn seal(settings: &str, name: &str, bytes: &[u8]) -> String {
    let mut settings: serde_json::Value = serde_json::from_str(settings).unwrap();
    let hash = Sha256::digest(bytes);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    settings["files"][name] = serde_json::json!({ "bytes": bytes.len(), "sha256": hash });
    settings.to_string()
}

#[test]
fn an_index_that_was_damaged_and_sealed_again_is_refused_or_answers_and_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let names = built(folder.path());
    let index = folder.path().join("index");
    let settings = fs::read_to_string(index.join(SETTINGS)).unwrap();
    let mut refused = 0;
    for number in 0..DAMAGES {
        let mut stream = Seed(30).stream("damaged index", number, 0, "file");
        let name = &names[below(&mut stream, names.len())];
        let whole = fs::read(index.join(name)).unwrap();
        let broken = damaged(whole.clone(), &mut stream);
        fs::write(index.join(name), &broken).unwrap();
        fs::write(index.join(SETTINGS), seal(&settings, name, &broken)).unwrap();
        let opened = catch_unwind(AssertUnwindSafe(|| {
            let knowledge = Knowledge::open(&index)?;
            for question in ["When do you open on Sundays?", "How much is loaf 7?"] {
                let _ = knowledge.search(question, &[]);
                assert!(!knowledge.answer(question, &[]).text.is_empty());
            }
            Ok::<(), super::KnowledgeError>(())
        }));
        match opened {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                refused += 1;
                let error = error.to_string();
                assert!(error.contains(&index.display().to_string()), "{error}");
                assert!(error.contains("voicesim index build"), "{error}");
            }
            Err(_) => panic!("damage {number}, of {name}, panics"),
        }
        fs::write(index.join(name), whole).unwrap();
    }
    assert!(refused > DAMAGES / 4, "only {refused} were refused");
    fs::write(index.join(SETTINGS), settings).unwrap();
    Knowledge::open(&index).unwrap();
}
