//! What the fuzz targets do with whatever a client sends; the tests below run it too. Not part of the program.

mod addresses;
mod frames;
mod heads;
mod proxy_heads;

pub use addresses::addresses;
pub use frames::client_frames;
pub use heads::request_head;
pub use proxy_heads::proxy_head;
