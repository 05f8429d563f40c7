//! Holds values to a JSON Schema, as far as the schemas of scenarios go. A crate that knows all of JSON Schema
//! would have the tests build other crates anew, with features that the program does not ask for. A keyword
//! that is not known here fails the test.

use regex::Regex;
use serde_json::{Map, Value};

/// Keywords that hold a value to nothing.
const SAYS_NOTHING: [&str; 6] = [
    "$schema",
    "title",
    "description",
    "default",
    "definitions",
    "additionalProperties",
];

pub(super) struct Validator(Value);

impl Validator {
    pub(super) fn of(schema: Value) -> Validator {
        Validator(schema)
    }

    pub(super) fn is_valid(&self, value: &Value) -> bool {
        self.faults(value).is_empty()
    }

    /// What is wrong with a value, with where it is.
    pub(super) fn faults(&self, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.hold("", &self.0, value, &mut faults);
        faults
    }

    fn hold(&self, at: &str, schema: &Value, value: &Value, faults: &mut Vec<String>) {
        let schema = match schema {
            Value::Bool(true) => return,
            Value::Bool(false) => return faults.push(format!("{at} may not be there")),
            schema => schema.as_object().expect("a schema is an object"),
        };
        for (keyword, says) in schema {
            let is_kept = match keyword.as_str() {
                "$ref" => {
                    let target = says.as_str().and_then(|to| to.strip_prefix('#'));
                    let target = self
                        .0
                        .pointer(target.expect("a reference inside the schema"));
                    self.hold(at, target.expect("what is referred to"), value, faults);
                    true
                }
                "type" => is_of_kind(says, value),
                "enum" => says.as_array().expect("values").contains(value),
                "const" => says == value,
                "minimum" => value
                    .as_f64()
                    .is_none_or(|n| n >= says.as_f64().expect("a number")),
                "maximum" => value
                    .as_f64()
                    .is_none_or(|n| n <= says.as_f64().expect("a number")),
                "minItems" => length(value).is_none_or(|n| n >= says.as_u64().expect("a number")),
                "maxItems" => length(value).is_none_or(|n| n <= says.as_u64().expect("a number")),
                "allOf" => {
                    for part in says.as_array().expect("schemas") {
                        self.hold(at, part, value, faults);
                    }
                    true
                }
                "anyOf" => self.fitting(says, value) > 0,
                "oneOf" => self.fitting(says, value) == 1,
                "required" => says.as_array().expect("names").iter().all(|name| {
                    value
                        .as_object()
                        .is_none_or(|table| table.contains_key(name.as_str().expect("a name")))
                }),
                "properties" | "patternProperties" => true,
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        let says = match says {
                            Value::Array(each) => &each[index.min(each.len() - 1)],
                            all => all,
                        };
                        self.hold(&format!("{at}/{index}"), says, item, faults);
                    }
                    true
                }
                known if SAYS_NOTHING.contains(&known) => true,
                unknown => panic!("{unknown} in {schema:?}: teach it to test_schema"),
            };
            if !is_kept {
                faults.push(format!("{at}: {value} is not as {keyword} has it: {says}"));
            }
        }
        if let Value::Object(table) = value {
            self.hold_keys(at, schema, table, faults);
        }
    }

    fn hold_keys(
        &self,
        at: &str,
        schema: &Map<String, Value>,
        table: &Map<String, Value>,
        faults: &mut Vec<String>,
    ) {
        for (key, value) in table {
            let at = format!("{at}/{key}");
            let named = schema.get("properties").and_then(|all| all.get(key));
            let patterns = schema.get("patternProperties").and_then(Value::as_object);
            let matching = patterns
                .into_iter()
                .flatten()
                .filter(|(pattern, _)| Regex::new(pattern).expect("a pattern").is_match(key));
            let known: Vec<&Value> = named
                .into_iter()
                .chain(matching.map(|(_, says)| says))
                .collect();
            for says in &known {
                self.hold(&at, says, value, faults);
            }
            if let (true, Some(says)) = (known.is_empty(), schema.get("additionalProperties")) {
                self.hold(&at, says, value, faults);
            }
        }
    }

    /// How many of several schemas a value is as.
    fn fitting(&self, schemas: &Value, value: &Value) -> usize {
        let schemas = schemas.as_array().expect("schemas").iter();
        let fits = |schema: &&Value| {
            let mut faults = Vec::new();
            self.hold("", schema, value, &mut faults);
            faults.is_empty()
        };
        schemas.filter(fits).count()
    }
}

fn is_of_kind(kinds: &Value, value: &Value) -> bool {
    let is = |kind: &Value| match kind.as_str().expect("a kind") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        unknown => panic!("no kind of value: {unknown}"),
    };
    match kinds {
        Value::Array(several) => several.iter().any(is),
        one => is(one),
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_array().map(|items| items.len() as u64)
}
