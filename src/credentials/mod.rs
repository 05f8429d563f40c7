//! Keys that go along with requests to servers: read from the environment, sent in headers, and never shown.

mod masking;

pub(crate) use masking::Masking;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use masking::masked;
use std::fmt;

/// A secret: it cannot be shown.
#[derive(Clone)]
pub(crate) struct Key(String);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

impl Key {
    /// The key in an environment variable; `None` if it holds none.
    pub(crate) fn of(variable: &str) -> Option<Key> {
        let key = std::env::var(variable).unwrap_or_default();
        match key.trim() {
            "" => None,
            key => Some(Key(key.to_owned())),
        }
    }
}

/// What shows a server who asks.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    /// The key, which is sent as a bearer.
    pub(crate) key: Option<Key>,
    /// Headers, by their names, whose values are keys too.
    pub(crate) headers: Vec<(String, Key)>,
}

impl Credentials {
    /// The headers of a request.
    ///
    /// # Errors
    /// A key or a header that cannot be sent. The text says which, and never what it holds.
    pub(crate) fn in_headers(&self) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        if let Some(Key(key)) = &self.key {
            let mut bearer = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| {
                "the key holds characters that no header may have; correct its environment variable"
                    .to_owned()
            })?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        for (name, Key(value)) in &self.headers {
            let name_and_value = HeaderName::from_bytes(name.as_bytes())
                .ok()
                .zip(HeaderValue::from_str(value).ok());
            let (name, mut value) = name_and_value.ok_or_else(|| {
                format!("the header {name} holds characters that no header may have; correct its name, or its environment variable")
            })?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    /// What a server says, without the keys, should it repeat one.
    pub(crate) fn masked(&self, said: &str) -> String {
        masked(said, self.keys())
    }

    /// Takes the keys out of a text that comes in pieces.
    pub(crate) fn masking(&self) -> Masking {
        Masking::of(self.keys())
    }

    /// Made up, for tests.
    #[cfg(test)]
    pub(crate) fn of_texts(key: &str, (name, value): (&str, &str)) -> Credentials {
        Credentials {
            key: Some(Key(key.into())),
            headers: vec![(name.into(), Key(value.into()))],
        }
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter().map(|(_, key)| key);
        self.key.iter().chain(headers).map(|Key(key)| key.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sent_and_never_shown() {
        let own = Credentials::of_texts("sk-1234", ("x-api-key", "SECRET"));
        let headers = own.in_headers().expect("headers");
        assert_eq!(headers["authorization"], "Bearer sk-1234");
        assert_eq!(headers["x-api-key"], "SECRET");
        let shown = format!("{own:?} {headers:?}");
        assert!(
            !shown.contains("1234") && !shown.contains("SECRET"),
            "{shown}"
        );
        assert_eq!(
            own.masked("not sk-1234, but SECRET"),
            "not [key], but [key]"
        );
    }

    #[test]
    fn what_no_header_may_have_is_refused_and_not_repeated() {
        for (own, told) in [
            (
                Credentials::of_texts("sk\n1234", ("a", "b")),
                "the key holds",
            ),
            (
                Credentials::of_texts("sk", ("a b", "SECRET")),
                "the header a b holds",
            ),
            (
                Credentials::of_texts("sk", ("a", "SEC\nRET")),
                "the header a holds",
            ),
        ] {
            let error = own.in_headers().expect_err("refused");
            assert!(error.contains(told) && error.contains("correct"), "{error}");
            assert!(!error.contains("1234") && !error.contains("SEC"), "{error}");
        }
    }
}
