//! Talks with the program through a virtual microphone and speaker, in real time, and judges it by what a
//! recorder hears. Needs PulseAudio (`make test-live` gets it), not a sound card.

// Nobody reaches into a test from outside: what its parts share is plainly `pub`.
#![allow(unreachable_pub)]

mod conversations;
mod daemon;
mod devices;
mod process;
mod recording;
mod side_by_side;
mod sound;
mod talk;
