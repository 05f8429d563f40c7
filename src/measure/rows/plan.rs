//! What was asked for, as far as figures need it.

use crate::event::Expect;
use crate::record::store::RowsPer;
use crate::scenario::Scenario;
use crate::scenario::budget::Budget;
use crate::scenario::cost::Prices;

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub rows_per: RowsPer,
    pub rows: Vec<RowPlan>,
    pub budgets: Vec<Budget>,
    /// What the work is paid for.
    pub prices: Option<Prices>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RowPlan {
    pub expect: Expect,
    /// What is truly said.
    pub reference: Option<String>,
    /// What a right answer has one of.
    pub answer_has: Vec<String>,
}

impl Plan {
    /// The plan of a scenario.
    pub fn of(scenario: &Scenario, rows_per: RowsPer) -> Plan {
        let rows = scenario.turns().iter().map(|turn| RowPlan {
            expect: turn.expect,
            reference: turn.reference.clone(),
            answer_has: turn.answer_has.clone(),
        });
        Plan {
            rows_per,
            rows: rows.collect(),
            budgets: scenario.budgets.limits().to_vec(),
            prices: scenario.prices(),
        }
    }
}
