//! How files are opened and written, in one place: only regular files of a bounded size are read, what is packed
//! unpacks to a bounded size, and a written file is there as a whole or not at all, follows no link, and, where it
//! holds voices, is its owner's alone.
//!
//! It knows of no format: readers say how long a file may be, and writers what it holds.

#[cfg(feature = "retrieval")]
mod aside;
mod claim;
mod packed;
mod plain;
mod private;
mod quoted;
mod read;
mod whole;

#[cfg(feature = "retrieval")]
pub(crate) use aside::{aside, put_in_place};
pub(crate) use claim::{ClaimError, UNFINISHED, around, claim, is_unfinished, reclaim, release};
pub(crate) use packed::Unpacked;
pub(crate) use plain::{is_invisible, plain};
pub(crate) use private::{append, create, create_folder, create_new, is_link};
pub(crate) use quoted::quoted;
pub(crate) use read::{open, read, read_text};
pub(crate) use whole::{stream_whole, write_whole};
