//! Where a value is in a record: `artifact.turns[].modelLatency`.

use serde::Deserialize;
use serde_json::Value;

/// More values than this at one path are not gone through.
const VALUES_MAX: usize = 1_000_000;

/// Keys from the record to a value, with `[]` for every element of a list. A dot in a key is written as `\.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(from = "String")]
pub(in crate::trace) struct Path(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Key(String),
    Each,
}

impl From<String> for Path {
    fn from(text: String) -> Path {
        Path::of(&text)
    }
}

impl Path {
    pub(in crate::trace) fn of(text: &str) -> Path {
        let mut steps = Vec::new();
        let text = text.replace("\\.", "\u{0}");
        for part in text.split('.').filter(|part| !part.is_empty()) {
            let key = part.trim_end_matches("[]");
            if !key.is_empty() {
                steps.push(Step::Key(key.replace('\u{0}', ".")));
            }
            let lists = (part.len() - key.len()) / 2;
            steps.extend((0..lists).map(|_| Step::Each));
        }
        Path(steps)
    }

    /// One key, whatever is in its name.
    pub(super) fn key(name: &str) -> Path {
        Path(vec![Step::Key(name.to_owned())])
    }

    /// The first value at the path that is not null.
    pub(in crate::trace) fn first<'a>(&self, record: &'a Value) -> Option<&'a Value> {
        let mut found = None;
        walk(&self.0, record, &mut |value| {
            found = Some(value);
            false
        });
        found
    }

    /// All values at the path.
    pub(super) fn all<'a>(&self, record: &'a Value) -> Vec<&'a Value> {
        let mut all = Vec::new();
        walk(&self.0, record, &mut |value| {
            all.push(value);
            all.len() < VALUES_MAX
        });
        all
    }
}

/// Tells the values at a path until it is told that they are enough. Returns whether more are wanted.
fn walk<'a>(steps: &[Step], value: &'a Value, told: &mut dyn FnMut(&'a Value) -> bool) -> bool {
    match steps.split_first() {
        None => value.is_null() || told(value),
        Some((Step::Key(key), rest)) => match value.get(key) {
            Some(inner) => walk(rest, inner, told),
            None => true,
        },
        Some((Step::Each, rest)) => match value.as_array() {
            Some(list) => list.iter().all(|inner| walk(rest, inner, told)),
            None => true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_leads_through_objects_and_lists() {
        let record =
            json!({"a": {"b": [{"c": 1}, {"c": null}, {"c": 3}]}, "x.y": 7, "list": [[1], [2]]});
        let all = |path: &str| Path::of(path).all(&record);
        assert_eq!(all("a.b[].c"), [&json!(1), &json!(3)]);
        assert_eq!(all("x\\.y"), [&json!(7)]);
        assert_eq!(all("list[][]"), [&json!(1), &json!(2)]);
        assert_eq!(all("a.c"), Vec::<&Value>::new());
        assert_eq!(Path::of("").first(&record), Some(&record));
    }
}
