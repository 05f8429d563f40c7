//! Folders for the tests of exports.

use crate::measure::folder::Folder;
use std::path::Path;

/// A folder that is kept for tests, by name.
pub(super) fn recorded(name: &str) -> Folder {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data");
    Folder::open(&data.join(name)).expect("a folder of results")
}
