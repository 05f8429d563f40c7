//! When a server that refuses a request wants it again: Retry-After, by RFC 9110, section 10.2.3.

use crate::clock::now_utc;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// How long to wait before asking again, if the server says so in seconds, milliseconds, or with the time until which to
/// wait; that counts from the time that the server says it is, else from the time here.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let ms = number("retry-after-ms").map(|ms| ms / 1e3);
    if let Some(seconds) = ms.or_else(|| number(RETRY_AFTER.as_str())) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let time = |name| {
        let date = headers.get(name)?.to_str().ok()?;
        Some(jiff::fmt::rfc2822::parse(date).ok()?.timestamp())
    };
    let wait = time(&RETRY_AFTER)?.duration_since(time(&DATE).unwrap_or_else(now_utc));
    // A time that is past asks for no wait.
    Some(Duration::try_from(wait).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn waits_are_in_seconds_or_milliseconds() {
        let after = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_str(value).expect("a value"));
            retry_after(&headers).map(|wait| wait.as_millis())
        };
        assert_eq!(after("retry-after", "2"), Some(2_000));
        assert_eq!(after("retry-after-ms", "250"), Some(250));
        for odd in [
            "-1",
            "soon",
            "inf",
            "NaN",
            "1e300",
            "Wed, 32 Oct 2015 07:28:00 GMT",
        ] {
            assert_eq!(after("retry-after", odd), None, "{odd}");
        }
    }

    #[test]
    fn a_wait_until_a_time_counts_from_the_servers_own() {
        let after = |until: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                DATE,
                HeaderValue::from_static("Wed, 21 Oct 2037 07:28:00 GMT"),
            );
            headers.insert(RETRY_AFTER, HeaderValue::from_static(until));
            retry_after(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(after("Wed, 21 Oct 2037 07:28:30 GMT"), Some(30));
        assert_eq!(after("Wed, 21 Oct 2037 07:27:00 GMT"), Some(0));
        assert_eq!(after("tomorrow"), None);
    }
}
