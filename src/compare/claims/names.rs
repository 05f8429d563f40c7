//! Which of the measured calls a name means.

use crate::measure::labels::stem;
use std::collections::BTreeMap;

/// The names of the measured calls, with what else they may be called.
pub(super) struct Names {
    /// By the whole name, and by the name without the ending of a recording.
    whole: BTreeMap<String, usize>,
    /// By the last part, without ending; `None` if several calls have it.
    last: BTreeMap<String, Option<usize>>,
}

/// What a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
    /// The call at this place.
    Call(usize),
    /// Several calls.
    Several,
    Nothing,
}

impl Names {
    pub(super) fn of<'a>(calls: impl Iterator<Item = &'a str>) -> Names {
        let mut names = Names {
            whole: BTreeMap::new(),
            last: BTreeMap::new(),
        };
        for (place, call) in calls.enumerate() {
            let call = normal(call);
            // A run folder goes by its own name, not by that of the recording in it.
            if let Some(run) = stem(&call).strip_suffix("/conversation") {
                names.add_last(run, place);
                names.whole.entry(run.to_owned()).or_insert(place);
            } else {
                names.add_last(&call, place);
            }
            names.whole.entry(stem(&call).to_owned()).or_insert(place);
            names.whole.insert(call, place);
        }
        names
    }

    fn add_last(&mut self, call: &str, place: usize) {
        let last = self.last.entry(last(call).to_owned());
        last.and_modify(|own| *own = None).or_insert(Some(place));
    }

    /// The call that is meant by a name: with or without its ending, with or without its folder.
    pub(super) fn meant(&self, name: &str) -> Meant {
        let name = normal(name);
        let whole = self
            .whole
            .get(&name)
            .or_else(|| self.whole.get(stem(&name)));
        match (whole, self.last.get(last(&name))) {
            (Some(place), _) => Meant::Call(*place),
            (None, Some(Some(place))) => Meant::Call(*place),
            (None, Some(None)) => Meant::Several,
            (None, None) => Meant::Nothing,
        }
    }
}

fn normal(name: &str) -> String {
    let name = name.replace('\\', "/");
    let name = name.trim_start_matches("./").trim_end_matches('/');
    name.to_owned()
}

fn last(name: &str) -> &str {
    stem(name.rsplit('/').next().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_found_with_or_without_ending_and_folder() {
        let calls = [
            "mon/a.wav",
            "tue/a.wav",
            "tue/b.mp3",
            "c.wav",
            "c.flac",
            "run1/conversation.wav",
        ];
        let names = Names::of(calls.into_iter());
        for (name, expected) in [
            ("mon/a.wav", Meant::Call(0)),
            ("./tue/a", Meant::Call(1)),
            ("tue\\a.wav", Meant::Call(1)),
            ("a", Meant::Several),
            ("b", Meant::Call(2)),
            ("calls/tue/b.mp3", Meant::Call(2)),
            ("c.flac", Meant::Call(4)),
            ("run1", Meant::Call(5)),
            ("runs/run1/", Meant::Call(5)),
            ("d.wav", Meant::Nothing),
        ] {
            assert_eq!(names.meant(name), expected, "{name}");
        }
    }
}
