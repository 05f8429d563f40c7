//! The address of an agent: checked as the addresses of servers are, and shown without what may be secret.

use std::fmt;

/// Longer is no address.
const CHARACTERS_MAX: usize = 2_000;

/// The address of an agent: `ws://` or `wss://`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address(String);

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it. The text never repeats it, since it may hold a secret.
    pub(crate) fn parse(text: &str) -> Result<Address, String> {
        let wrong = |what: &str| Err(what.to_owned());
        let is_odd = |c: char| c.is_whitespace() || c.is_control();
        let Some((scheme, rest)) = text.split_once("://") else {
            return wrong("give the address of a WebSocket, such as ws://localhost:8765");
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        match scheme {
            "ws" => {}
            "wss" if cfg!(feature = "tls") => {}
            "wss" => {
                return wrong(
                    "this build of voicesim speaks no TLS; build it with: cargo build --release --features tls",
                );
            }
            "http" | "https" => {
                return wrong(
                    "this is the address of a page; an agent is called over WebSocket: ws:// in place of http://, wss:// in place of https://",
                );
            }
            _ => return wrong("an agent is called over WebSocket: ws:// or wss://"),
        }
        if authority.is_empty() || authority.starts_with(':') {
            return wrong("the address names no host: ws://localhost:8765");
        }
        if text.contains(is_odd) || text.chars().count() > CHARACTERS_MAX {
            return wrong("an address has no spaces in it, and up to 2,000 characters");
        }
        if authority.contains('@') || text.contains('#') {
            return wrong(
                "an address may hold no user name, password or fragment; take them away, and name an environment variable that holds the key: --key-env NAME",
            );
        }
        Ok(Address(text.to_owned()))
    }

    /// The whole address, to call it.
    pub(crate) fn whole(&self) -> &str {
        &self.0
    }

    /// The address with a value in its query, in which letters, digits and `._:/-` may be.
    pub(crate) fn with(&self, key: &str, value: &str) -> Address {
        let (place, query) = self.0.split_once('?').unwrap_or((&self.0, ""));
        let has_path = place
            .split_once("://")
            .is_some_and(|(_, rest)| rest.contains('/'));
        let root = if has_path { "" } else { "/" };
        let and = if query.is_empty() { "" } else { "&" };
        Address(format!("{place}{root}?{query}{and}{key}={value}"))
    }

    /// Whether it names this host, over TLS: a key may go there of which nobody said so.
    pub(crate) fn is_safely_at(&self, host: &str) -> bool {
        let rest = self.0.strip_prefix("wss://").unwrap_or_default();
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        authority.split(':').next() == Some(host)
    }
}

/// Without its query, in which keys may be.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.split('?').next().unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_query() {
        let address = Address::parse("ws://localhost:8765/call?token=SECRET").expect("one");
        assert_eq!(address.to_string(), "ws://localhost:8765/call");
        assert_eq!(format!("{address:?}"), "ws://localhost:8765/call");
        assert!(address.whole().ends_with("SECRET"));
    }

    #[test]
    #[cfg(feature = "tls")]
    fn a_key_that_nobody_named_goes_to_its_own_host_over_tls_alone() {
        let is_safe = |text: &str| Address::parse(text).expect("one").is_safely_at("a.example");
        assert!(is_safe("wss://a.example/v1?model=m") && is_safe("wss://a.example:443"));
        assert!(!is_safe("ws://a.example/v1"));
        assert!(!is_safe("wss://a.example.elsewhere/") && !is_safe("wss://b/a.example"));
    }

    #[test]
    fn a_value_goes_into_the_query() {
        for (text, whole) in [
            ("ws://localhost:8765", "ws://localhost:8765/?model=m&b=c"),
            ("ws://localhost/v1", "ws://localhost/v1?model=m&b=c"),
            ("ws://localhost/v1?a=b", "ws://localhost/v1?a=b&model=m&b=c"),
        ] {
            let address = Address::parse(text).expect("one");
            let address = address.with("model", "m").with("b", "c");
            assert_eq!(address.whole(), whole);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for (text, says) in [
            ("localhost:8765", "such as ws://"),
            (
                "https://agent.example/SECRET",
                "wss:// in place of https://",
            ),
            ("ftp://a/SECRET", "ws:// or wss://"),
            ("ws://", "names no host"),
            ("ws://:80/SECRET", "names no host"),
            ("ws://me:SECRET@a/", "no user name"),
            ("ws://a/ SECRET", "no spaces"),
        ] {
            let said = Address::parse(text).expect_err("none");
            assert!(said.contains(says) && !said.contains("SECRET"), "{said}");
        }
    }
}
