//! Showing what was measured: as text for people, as JSON for programs, as files for other tools.

mod busy;
pub mod calls;
pub mod chart;
pub mod claimed;
pub mod compare;
pub mod document;
pub mod export;
pub mod find;
pub mod hlog;
pub mod html;
mod money;
pub mod plain;
pub mod plan;
pub mod rederived;
mod resilience;
pub mod segments;
pub mod simulation;
pub mod sweep;
pub mod table;
pub mod text;
