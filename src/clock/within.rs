//! A bound on how long somebody else takes.

use std::time::Duration;

/// Runs a part of a request in real time; `None` if that takes longer than `longest`.
pub async fn within<T>(longest: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(longest, future).await.ok()
}
