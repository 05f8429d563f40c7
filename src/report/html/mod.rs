//! Pages for people: one file each, that loads nothing and can be mailed.
//!
//! Every page extends `page.html`; see [`page`] for how. Pictures come from [`chart`](super::chart).

mod about;
mod calls;
mod comparison;
mod course;
mod distribution;
pub mod escape;
mod eval;
mod fit;
pub mod page;
mod parts;
mod picture;
mod run;
mod segments;
mod settings;
mod shares;
mod simulation;
mod sound;
pub mod table;
#[cfg(test)]
mod test_pages;
mod turn;
mod validation;
mod words;

pub use calls::of_calls;
pub use comparison::of_comparison;
pub use eval::of_eval;
pub use fit::of_fit;
#[cfg(feature = "listen")]
pub(crate) use page::STYLE;
pub use page::{Page, Part, Place, Svg};
pub use picture::{NoTurn, of_turn};
pub use run::of_run;
pub use settings::{of_plan, of_sweep};
pub use simulation::of_simulation;
pub use table::{Cell, Table};
pub use validation::of_validation;
