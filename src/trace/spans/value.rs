//! The value of an attribute.

/// What an attribute says.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::trace) enum Value {
    Flag(bool),
    Number(f64),
    /// A whole number, exact beyond what a float holds.
    Whole(i64),
    Text(Box<str>),
}

impl Value {
    /// A finite number, also one that is written as text.
    pub(in crate::trace) fn number(&self) -> Option<f64> {
        let number = match self {
            Value::Number(number) => Some(*number),
            Value::Whole(number) => Some(*number as f64),
            Value::Text(text) => text.trim().parse().ok(),
            Value::Flag(_) => None,
        };
        number.filter(|number: &f64| number.is_finite())
    }

    /// A whole number that is not negative.
    pub(in crate::trace) fn whole(&self) -> Option<u64> {
        match self {
            Value::Whole(number) => u64::try_from(*number).ok(),
            Value::Number(number) if *number >= 0.0 => Some(*number as u64),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(in crate::trace) fn text(&self) -> Option<String> {
        match self {
            Value::Text(text) => Some(text.to_string()),
            Value::Whole(number) => Some(number.to_string()),
            Value::Number(number) => Some(number.to_string()),
            Value::Flag(_) => None,
        }
    }

    /// The value with a text no longer than `bytes_max`.
    pub(super) fn cut(self, bytes_max: usize) -> Value {
        match self {
            Value::Text(text) if text.len() > bytes_max => {
                let end = text.floor_char_boundary(bytes_max);
                Value::Text(text[..end].into())
            }
            value => value,
        }
    }

    /// A value of JSON; `None` for a list, an object or nothing.
    pub(super) fn of_json(value: &serde_json::Value) -> Option<Value> {
        match value {
            serde_json::Value::Bool(flag) => Some(Value::Flag(*flag)),
            serde_json::Value::Number(number) => Some(match number.as_i64() {
                Some(whole) => Value::Whole(whole),
                None => Value::Number(number.as_f64()?),
            }),
            serde_json::Value::String(text) => Some(Value::Text(text.as_str().into())),
            _ => None,
        }
    }
}
