//! voicesim from the outside: the house rules, the command line, whole conversations.

mod answers;
mod calibrate;
mod calls;
mod chaos;
mod ci;
mod claimed;
mod classifier;
mod cli;
mod compare;
mod contended;
mod conversations;
mod crashes;
mod disclosure;
mod endpoint;
mod evals;
mod exports;
mod faults;
mod fits;
mod followed;
mod formats;
mod fuzzed;
mod guide;
mod hard_calls;
mod hostile;
mod house;
mod index;
mod injections;
mod interruptions;
mod kept;
mod late_words;
#[cfg(feature = "listen")]
mod listen;
mod loads;
mod models;
mod openai;
mod openings;
mod pages;
mod plugged;
#[cfg(feature = "probe")]
mod probe;
mod properties;
#[cfg(feature = "probe")]
mod realtime;
mod rederived;
#[cfg(feature = "probe")]
mod redialled;
mod reports;
mod robust;
#[cfg(feature = "probe")]
mod scripted;
mod segments;
mod sensitivity;
mod shards;
mod simulations;
mod soak;
mod spoken;
mod support;
mod sweeps;
mod traces;
mod unanswered;
mod voided;
mod votes;
