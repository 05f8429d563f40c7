//! The model files, as set-up leaves them.

use crate::support::{command, stderr, stdout, voicesim};

#[test]
fn what_set_up_installed_is_what_the_catalogue_says() {
    let output = command(&["models", "verify"])
        .output()
        .expect("voicesim runs");
    assert!(
        output.status.success(),
        "{}\nrun `make setup` before the tests",
        stderr(&output)
    );
}

#[test]
fn every_model_is_listed_with_its_licence() {
    let list = stdout(&voicesim(&["models", "list"]));
    for name in ["whisper-tiny.en", "piper-en_US-joe-medium", "silero-vad"] {
        assert!(list.contains(name), "{list}");
    }
    assert!(list.contains("not installed"), "{list}");
    assert!(
        list.contains("commercial"),
        "the limits of the Piper voice are said: {list}"
    );
    assert_eq!(list.matches("licence: ").count(), 13);
    // What is large, or was not tried, is not fetched unless somebody asks for it.
    assert_eq!(list.matches("by name only").count(), 10);
    for name in [
        "whisper-small.en",
        "whisper-base",
        "piper-de_DE-thorsten-medium",
    ] {
        assert!(list.contains(name), "{list}");
    }
}

#[test]
fn a_model_that_is_not_there_is_exit_3_and_one_that_does_not_exist_exit_2() {
    let missing = voicesim(&["models", "verify"]);
    assert_eq!(missing.status.code(), Some(3));
    assert!(
        stderr(&missing).contains("voicesim models install"),
        "{}",
        stderr(&missing)
    );
    let unknown = voicesim(&["models", "install", "whisper-enormous"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        stderr(&unknown).contains("whisper-tiny.en"),
        "{}",
        stderr(&unknown)
    );
}
