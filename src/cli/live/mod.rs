//! The live view: what a person sees in the terminal while talking to the assistant, or while a scenario is replayed.
//!
//! [`View`] is a fold over events, [`draw::draw`] its picture, [`Screen`] the terminal that shows it
//! on a thread of its own, fed through a [`Feed`] that never blocks. Where there is no terminal,
//! [`Lines`] tells the same news a line at a time.

mod conversation;
mod devices;
mod draw;
mod feed;
mod interruption;
mod lanes;
mod lines;
mod log;
mod meter;
mod open_turns;
mod panels;
mod plain;
mod show;
mod terminal;
mod view;

pub(super) use log::ScreenLog;
pub(super) use show::{Controls, Show};
pub(super) use view::About;
