//! Experiments: replications of a scenario, sweeps over its settings, the search
//! for a value that keeps a limit, the choice of a plan, and shards joined.

mod figures;
mod find;
mod front;
mod merge;
mod plan;
mod resumed;
mod saturation;
mod sensitivity;
mod simulation;
mod subject;
pub mod suite;
mod sweep;
mod validate;

pub use crate::record::store::{KeepEvents, Shard};
pub use crate::report::find::Wanted;
pub use figures::{REPORT_JSON, REPORT_TEXT};
pub use find::{Find, Goal};
pub use merge::merge;
pub use plan::plan;
pub use sensitivity::Sensitivity;
pub use simulation::{CONVERSATIONS_MAX, Progress, Simulated, Simulation};
pub use sweep::{Against, SETTINGS_MAX, Sweep};
pub use validate::validate;
