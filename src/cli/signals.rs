//! What is done when the user, or the system, wants the program to end.

use crate::run::signals::{Ending, Signals};
use std::future::Future;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that SIGINT (Ctrl-C), SIGTERM and SIGHUP set; a second one ends the program at once.
pub(super) fn stop_at_signals() -> Arc<AtomicBool> {
    stop_at(Ending::cuts_short)
}

/// As [`stop_at_signals`], for what goes on until Ctrl-C ends it, which is a normal end.
#[cfg(feature = "probe")]
pub(super) fn end_at_signals() -> Arc<AtomicBool> {
    stop_at(|ending| {
        if ending != Ending::Interrupt {
            ending.cuts_short();
        }
    })
}

fn stop_at(tell: impl Fn(Ending) + Send + 'static) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = stop.clone();
    listen(async move {
        let mut signals = Signals::listen();
        loop {
            let ending = signals.next().await;
            if told.swap(true, Ordering::Relaxed) {
                exit(ending.exit_code().into());
            }
            tell(ending);
        }
    });
    stop
}

/// Does something before Ctrl-C, or whoever terminates programs, ends this one.
pub(super) fn before_the_end(act: impl FnOnce() + Send + 'static) {
    listen(async move {
        let ending = Signals::listen().next().await;
        act();
        exit(ending.exit_code().into());
    });
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
