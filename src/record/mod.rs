//! Writing down what happens: the tap stamps it, the store keeps it.

mod conversation;
pub mod input;
pub mod store;
pub mod tap;
