//! The files that engines need: what they are, where they come from, whether they are intact.
//!
//! [`catalogue()`] is data, embedded from `catalogue.toml`. [`install()`] fetches a model from the
//! first source that has it and puts it into the cache folder under its final name only once its
//! sha256 is the catalogue's; [`locate`] gives an engine the path, checked again, since the
//! libraries that parse these files trust them.
//!
//! `whisper_weights` is apart from the rest: only a set-up without Hugging Face goes through it.
//!
//! This module knows no engine, and names no other module of the crate.

mod cache;
mod catalogue;
mod error;
mod hub;
mod install;
mod progress;
#[cfg(all(test, feature = "install"))]
mod test_hub;
#[cfg(test)]
mod test_model;
mod wheel;
mod whisper_weights;

pub use cache::{ModelState, Status, cache_folder, list, locate, look_for, verify};
pub use catalogue::{Model, ModelFile, ModelKind, Source, Unpack, catalogue};
pub use error::ModelError;
pub use install::{Installed, install};
pub use progress::{Bar, Progress, Silent};
#[cfg(feature = "smart_turn")]
pub(crate) use whisper_weights::{SPECTRUM_BINS, slaney_filter_bank};
