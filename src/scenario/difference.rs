//! Where two scenarios differ, as they stand in headers.

use serde_json::Value;

/// A key that has different values in two scenarios.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyDifference {
    /// The key with its tables: `turn.2.delay_ms`, where a table among several has its place, counted from
    /// zero.
    pub key: String,
    /// The value in the base; `None` if the key is not there.
    pub base: Option<Value>,
    /// The value in the other scenario; `None` if the key is not there.
    pub new: Option<Value>,
}

/// Every key that differs, in the order of the keys. Lists of another length differ as a whole.
pub fn differences(base: &Value, new: &Value) -> Vec<KeyDifference> {
    let mut all = Vec::new();
    walk(String::new(), Some(base), Some(new), &mut all);
    all
}

fn walk(key: String, base: Option<&Value>, new: Option<&Value>, all: &mut Vec<KeyDifference>) {
    if base == new {
        return;
    }
    let below = |name: &str| match key.is_empty() {
        true => name.to_owned(),
        false => format!("{key}.{name}"),
    };
    match (base, new) {
        (Some(Value::Object(own)), Some(Value::Object(other))) => {
            let mut names: Vec<&String> = own.keys().chain(other.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                walk(below(name), own.get(name), other.get(name), all);
            }
        }
        (Some(Value::Array(own)), Some(Value::Array(other))) if own.len() == other.len() => {
            for (place, (own, other)) in own.iter().zip(other).enumerate() {
                walk(below(&place.to_string()), Some(own), Some(other), all);
            }
        }
        _ => all.push(KeyDifference {
            key,
            base: base.cloned(),
            new: new.cloned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(base: Value, new: Value, expected: &[&str]) {
        let found: Vec<String> = differences(&base, &new)
            .into_iter()
            .map(|one| {
                let shown = |value: Option<Value>| value.map_or("-".into(), |v| v.to_string());
                format!("{} {} {}", one.key, shown(one.base), shown(one.new))
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn every_key_is_found_wherever_it_lies() {
        check(
            json!({ "a": { "b": 1, "c": [1, 2] }, "d": 2, "f": [] }),
            json!({ "a": { "b": 2, "c": [1, 3] }, "e": 3, "f": [0] }),
            &["a.b 1 2", "a.c.1 2 3", "d 2 -", "e - 3", "f [] [0]"],
        );
        check(json!({ "a": 1 }), json!({ "a": 1 }), &[]);
    }
}
