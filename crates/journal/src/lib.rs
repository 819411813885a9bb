//! Which connections are open, written down: whoever was let in gets its `$disconnect` at least once, even where the program
//! ends without a word.
//!
//! [`Journal::begin`] writes a connection's record before its `$connect` is called, [`Journal::end`] that its `$disconnect` was
//! answered, or given up. [`Journal::open`] gives those of the last life of the program that have a beginning and no end. Records
//! are appended to segments ([`segment`]), which are cut where they are torn, and rewritten where little of them is still of use.
//!
//! A disk that fails costs the guarantee, and nothing else: nobody waits for it longer than [`WAIT_MAX`], no client is refused, it
//! is said, and [`Health`] tells it.

mod journal;
mod keeper;
mod medium;
mod record;
mod segment;

pub use journal::{Durability, Health, Journal, Left, WAIT_MAX};
pub use medium::{Disk, Folder, Medium};
pub use record::RECORD_BYTES_MAX;
pub use segment::SEGMENT_BYTES;
