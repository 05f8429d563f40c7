//! What the answers cost: CPU time for those that were prepared in advance, and money.

use crate::measure::Measurement;
use crate::report::money;
use std::fmt::Write;

/// Answers that were prepared before the caller had ended, and what those cost that were thrown away.
pub(super) fn speculation(text: &mut String, measured: &Measurement) {
    let speculation = &measured.speculation;
    if speculation.prepared == 0 {
        return;
    }
    let per_turn = |cpu_s: f64| cpu_s / measured.turns.max(1) as f64;
    let _ = write!(
        text,
        "speculation    {} prepared, {} kept",
        speculation.prepared, speculation.kept
    );
    // Simulated engines take no CPU time.
    let _ = match speculation.cpu_s > 0.0 {
        true => write!(
            text,
            " · thrown away {:.2} of {:.2} CPU s a turn ({:.0} %)",
            per_turn(speculation.thrown_away_cpu_s),
            per_turn(speculation.cpu_s),
            100.0 * speculation.thrown_away_share()
        ),
        false => write!(text, ", {} dropped", speculation.dropped),
    };
    if speculation.dropped_requests > 0 {
        let _ = write!(
            text,
            " · answers asked for in vain: {} ({:.2} a turn)",
            speculation.dropped_requests,
            f64::from(speculation.dropped_requests) / measured.turns.max(1) as f64
        );
    }
    text.push('\n');
}

/// Adds what the run cost at the providers' prices, if the scenario has any.
pub(super) fn money(text: &mut String, measured: &Measurement) {
    let Some(cost) = &measured.cost else {
        return;
    };
    let money = |amount| money::money(amount, &cost.currency);
    let _ = writeln!(
        text,
        "cost           {} a call, {} a minute",
        money(cost.per_call),
        money(cost.per_minute)
    );
}
