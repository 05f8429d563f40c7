//! How files are opened and written, in one place: only regular files of a bounded size are read, what is packed
//! unpacks to a bounded size, and a written file is there as a whole or not at all, follows no link, and, where it
//! holds voices, is its owner's alone.
//!
//! It knows of no format: readers say how long a file may be, and writers what it holds.

mod aside;
mod claim;
mod packed;
mod plain;
mod private;
mod quoted;
mod read;
mod whole;

pub use aside::{aside, put_in_place};
pub use claim::{ClaimError, UNFINISHED, claim, claim_around, is_unfinished, reclaim, release};
pub use packed::Unpacked;
pub use plain::{is_invisible, plain};
pub use private::{append, create, create_folder, create_new, is_link};
pub use quoted::quoted;
pub use read::{open, read, read_text};
pub use whole::{stream_whole, write_whole};
