//! voicesim from the outside: the house rules, the command line, whole conversations.

mod calls;
mod ci;
mod classifier;
mod cli;
mod compare;
mod conversations;
mod exports;
mod faults;
mod faulty_worlds;
mod hostile;
mod house;
mod index;
mod interruptions;
mod loads;
mod models;
mod openai;
mod pages;
mod plugged;
mod properties;
mod reports;
mod shards;
mod simulations;
mod support;
mod sweeps;
mod unanswered;
mod votes;
