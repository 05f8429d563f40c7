//! Fits a simulation to what was measured: latencies by stage with what they grow with, callers, and how well all that
//! fits. From run folders, imported traces and measured calls to a profile that `voicesim simulate` takes.

mod choice;
mod empirical;
mod family;
mod line;
mod maximum;
mod model;
mod sample;
mod together;
