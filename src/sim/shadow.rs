//! Answers that a caller did not wait for, followed to their end in a conversation that nobody hears.
//!
//! Everything random is drawn by the question, so in the same conversation with a caller who waits for ever the same
//! question gets the same answer, however long it takes. That conversation is another world: it holds no slot, core
//! or worker of this one, and changes nothing in it.

use crate::event::Expect;
use crate::measure::Row;

/// Whether a caller left a question, or never came to it.
pub(super) fn are_missing(rows: &[Row]) -> bool {
    rows.iter().any(is_missing)
}

/// Whether a question was left when it was first asked, or was never asked because the caller had hung up.
fn is_missing(row: &Row) -> bool {
    is_question(row) && row.unanswered.is_some_and(|reason| reason.is_censored())
}

/// Whether a row is a question of its own: asked for the first time, or planned.
fn is_question(row: &Row) -> bool {
    row.expect == Some(Expect::Respond) && !row.is_again
}

/// Takes over how long the answers took in the same conversation with a patient caller.
pub(super) fn follow(rows: &mut [Row], patient: &[Row]) {
    let own = rows.iter_mut().filter(|row| is_question(row));
    let answers = patient.iter().filter(|row| is_question(row));
    for (row, answer) in own.zip(answers) {
        if is_missing(row) {
            row.shadow_ns = answer.e2e_ns;
            row.has_no_shadow = answer.e2e_ns.is_none() && answer.unanswered.is_some();
        }
    }
}
