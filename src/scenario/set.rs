//! `--set KEY=VALUE`: a scenario with one key changed.

use super::unit;
use toml::{Table, Value};

/// Sets a key of a scenario as `KEY=VALUE` has it. The value is TOML; what is none is text.
pub(super) fn set(scenario: &mut Table, setting: &str) -> Result<(), String> {
    let (key, value) = setting
        .split_once('=')
        .ok_or("write KEY=VALUE, for example endpointing.silence_ms=700")?;
    let value = read(value.trim());
    match mistaken_unit(key, &value) {
        Some(fix) => Err(fix),
        None => insert(scenario, key, value),
    }
}

/// What to write in place of a value that has a unit, where the key names it already.
pub(super) fn mistaken_unit(key: &str, value: &Value) -> Option<String> {
    let key = key.rsplit('.').next()?;
    match value {
        Value::String(text) => {
            let table = text.starts_with('{').then_some(text);
            let inside = || unit::in_line(table?).map(|(key, fix)| format!("{key}: {fix}"));
            unit::fix(key, text).or_else(inside)
        }
        _ => None,
    }
}

/// Sets a key of a scenario, whether or not it was there. Tables are parted by dots; of several (`[[turn]]`)
/// one is named by its number, from one: `turn.2.delay_ms`.
pub(super) fn insert(scenario: &mut Table, key: &str, value: Value) -> Result<(), String> {
    let mut names: Vec<&str> = key.trim().split('.').collect();
    let last = names.pop().unwrap_or_default();
    if last.is_empty() || names.iter().any(|name| name.is_empty()) {
        return Err(format!("{key:?} is no key; write TABLE.KEY=VALUE"));
    }
    let mut table = scenario;
    let mut names = names.into_iter();
    while let Some(name) = names.next() {
        leave_one_form(table, name);
        let inner = table
            .entry(name)
            .or_insert_with(|| Value::Table(Table::new()));
        table = match inner {
            Value::Table(inner) => inner,
            Value::Array(several) => {
                let count = several.len();
                let number = names.next().unwrap_or_default();
                let index = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
                index
                    .and_then(|index| several.get_mut(index)?.as_table_mut())
                    .ok_or_else(|| format!("{name} has {count} of them; name one by its number, from 1: {name}.1.{last}"))?
            }
            _ => {
                return Err(format!(
                    "{name} is a value, not a table; there is nothing in it to set"
                ));
            }
        };
    }
    leave_one_form(table, last);
    table.insert(last.to_owned(), value);
    Ok(())
}

/// The keys of which a latency has exactly one.
const FORMS: [&str; 11] = [
    "fixed_ms",
    "uniform",
    "lognormal",
    "gamma",
    "weibull",
    "mixture",
    "quantiles",
    "linear",
    "correlated",
    "turns",
    "preset",
];

/// Takes the form that a latency has away if it is given another one.
fn leave_one_form(table: &mut Table, form: &str) {
    if FORMS.contains(&form) {
        table.retain(|key, _| key == form || !FORMS.contains(&key));
    }
}

/// The value of a key, named as for [`insert`]; `None` if there is none.
pub(super) fn get<'a>(scenario: &'a Table, key: &str) -> Option<&'a Value> {
    let mut names = key.trim().split('.');
    let mut value = scenario.get(names.next()?)?;
    for name in names {
        value = match value {
            Value::Table(table) => table.get(name)?,
            Value::Array(several) => several.get(name.parse::<usize>().ok()?.checked_sub(1)?)?,
            _ => return None,
        };
    }
    Some(value)
}

/// TOML, or text if it is none.
pub(super) fn read(value: &str) -> Value {
    let read = toml::from_str::<Table>(&format!("value = {value}"));
    let value_of = |mut table: Table| table.remove("value").filter(|_| table.is_empty());
    read.ok()
        .and_then(value_of)
        .unwrap_or_else(|| Value::String(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str, setting: &str) -> Result<Table, String> {
        let mut table = toml::from_str(text).expect("TOML");
        set(&mut table, setting).map(|()| table)
    }

    #[test]
    fn a_key_is_changed_or_added_and_the_rest_stays() {
        let text = "name = \"a\"\n[endpointing]\nsilence_ms = 300\n[[turn]]\ndelay_ms = 1\n";
        for (setting, expected) in [
            ("endpointing.silence_ms=700", "700"),
            ("turn.1.delay_ms = 5", "delay_ms = 5"),
            ("stt.latency={ fixed_ms = 90.0 }", "fixed_ms = 90.0"),
            ("interruption.policy=never", "policy = \"never\""),
            ("name=\"b\"", "name = \"b\""),
        ] {
            let text = toml::to_string(&after(text, setting).expect(setting)).expect("TOML");
            assert!(text.contains(expected), "{setting}: {text}");
            assert!(text.contains("[endpointing]"), "{setting}: {text}");
        }
    }

    #[test]
    fn a_latency_that_is_given_another_form_has_that_one_alone() {
        let text = "[stt]\nengine = \"simulated\"\nlatency = { quantiles = [[0, 1], [1, 2]] }\n";
        for setting in [
            "stt.latency.preset=deepgram-nova-3",
            "stt.latency.lognormal.median_ms=200",
            "stt.latency.fixed_ms=90",
        ] {
            let changed = after(text, setting).expect(setting);
            let latency = changed["stt"]["latency"].as_table().expect("a table");
            assert_eq!(latency.len(), 1, "{setting}: {latency:?}");
            assert!(!latency.contains_key("quantiles"), "{setting}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_refused_with_the_cure() {
        for (setting, cure) in [
            ("silence_ms", "KEY=VALUE"),
            ("endpointing..silence_ms=1", "no key"),
            ("name.first=1", "not a table"),
            ("turn.delay_ms=1", "by its number"),
            ("turn.2.delay_ms=1", "by its number"),
            ("turn.1.delay_ms=300ms", "write 300 without a unit"),
            ("turn.1.delay_ms = 0.3 s", "write 300 without a unit"),
            (
                "stt.latency={ fixed_ms = 90ms }",
                "fixed_ms: write 90 without a unit",
            ),
        ] {
            let error = after("name = \"a\"\n[[turn]]\ndelay_ms = 1\n", setting);
            let error = error.expect_err(setting);
            assert!(error.contains(cure), "{setting}: {error}");
        }
    }
}
