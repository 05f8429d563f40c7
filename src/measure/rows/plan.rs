//! What was asked for, as far as figures need it.

use crate::event::Expect;
use crate::record::store::RowsPer;
use crate::scenario::budget::Budget;
use crate::scenario::cost::Prices;
use crate::scenario::{RightAnswer, Scenario};

/// What a scenario asked for, as far as figures need it.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Whether a row is a turn of the scenario or an utterance.
    pub rows_per: RowsPer,
    /// The turns of the scenario, in order; empty if a caller makes them up.
    pub rows: Vec<RowPlan>,
    /// How many questions a caller who makes them up means to ask; `None` if the scenario has the turns.
    pub questions: Option<u32>,
    /// The limits that the figures are held to.
    pub budgets: Vec<Budget>,
    /// What the work is paid for; `None` if nobody asks.
    pub prices: Option<Prices>,
}

/// What a turn of the scenario asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct RowPlan {
    /// What the turn asks of the agent.
    pub expect: Expect,
    /// The words that are truly said; `None` if they are not known.
    pub reference: Option<String>,
    /// What a right answer says.
    pub right: RightAnswer,
}

impl Plan {
    /// The plan of a scenario.
    pub fn of(scenario: &Scenario, rows_per: RowsPer) -> Plan {
        let rows = scenario.turns().iter().map(|turn| RowPlan {
            expect: turn.expect,
            reference: turn.reference.clone(),
            right: turn.right.clone(),
        });
        Plan {
            rows_per,
            rows: rows.collect(),
            questions: scenario.caller.as_ref().map(|caller| caller.questions),
            budgets: scenario.budgets.limits().to_vec(),
            prices: scenario.prices(),
        }
    }
}
