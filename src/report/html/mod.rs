//! Pages for people: one file each, that loads nothing and can be mailed.
//!
//! Every page extends `page.html`; see [`page`] for how. Pictures come from [`chart`](super::chart).

mod comparison;
pub mod escape;
pub mod page;
mod settings;
pub mod table;

pub use comparison::of_comparison;
pub use page::{Page, Part, Svg};
pub use settings::{of_plan, of_sweep};
pub use table::{Cell, Table};
