//! What is done when the user, or the system, wants the program to end.

use std::future::Future;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::ctrl_c;

/// A flag that Ctrl-C sets; the second Ctrl-C ends the program at once.
pub(super) fn stop_at_ctrl_c() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    listen(async move {
        while ctrl_c().await.is_ok() {
            if told.swap(true, Ordering::Relaxed) {
                exit(130);
            }
        }
    });
    stop
}

/// Does something before Ctrl-C, or whoever terminates programs, ends this one.
pub(super) fn before_the_end(act: impl FnOnce() + Send + 'static) {
    listen(async move {
        let code = tokio::select! {
            biased;
            Ok(()) = ctrl_c() => 130,
            () = terminated() => 143,
        };
        act();
        exit(code);
    });
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut signals) = signal(SignalKind::terminate()) {
        signals.recv().await;
    } else {
        std::future::pending::<()>().await;
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending::<()>().await;
}

/// Listens on a thread of its own. Where that cannot be, signals end the program as they do without a listener.
fn listen(signals: impl Future<Output = ()> + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    if let Ok(runtime) = runtime {
        let thread = std::thread::Builder::new().name("signals".into());
        drop(thread.spawn(move || runtime.block_on(signals)));
    }
}
