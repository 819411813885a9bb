//! The data plane: a connection's life, and one message's trip from client to backend and back.
//!
//! To read it: [`open`](Gateway::open) lets a client in, `connection` reads its frames, `life` decides, `walk` takes each event to
//! its backend and back, `client` and `outbox` send what comes of it.

mod access_log;
mod account;
mod address;
mod admit;
mod afterwards;
mod as_text;
mod assembly;
mod authorize;
mod authorizer_log;
mod client;
mod clock;
mod command;
mod connection;
mod connections_api;
mod early;
mod execution_log;
mod flights;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod hand_over;
mod handshake;
mod heavy;
mod in_flight;
mod life;
mod metrics;
#[cfg(test)]
mod models;
mod nowhere;
mod open;
mod origins;
mod outbox;
mod pace;
mod peers;
mod proxy_protocol;
mod refusal;
mod registry;
mod rehearsal;
mod roll;
mod session;
#[cfg(test)]
mod simulation;
mod socket;
mod sources;
mod sparingly;
mod stages;
mod sync;
mod throttle;
mod timer;
mod usage;
mod walk;

pub use access_log::AccessLine;
pub use address::{Address, Below};
pub use authorize::{Authorizer, Authorizing, Denied, Known, Question};
pub use authorizer_log::AuthorizerLog;
pub use command::{Command, ConnectionsAnswer};
pub use connections_api::Many;
pub use execution_log::secrets::url as url_shown;
pub use execution_log::{
    AuthorizerStep, Line, LineKind, LogSink, Part, Push, Record, Remark, Secrets, Span, Step, Timed,
};
pub use gateway::{Gateway, Settings};
pub use hand_over::{HandedOver, Luggage, NotTaken, Stays};
pub use handshake::{HandshakeAnswer, RequestHead};
pub use integration::LinkSettings;
pub use metrics::{Reading, Text as MetricsText, latency_bounds};
pub use open::{Arrival, Opening, upgrade_required};
pub use origins::{StageOrigins, plain_origin};
pub use peers::{Alone, Peers};
pub use proxy_protocol::{HEAD_BYTES_MAX as PROXY_HEAD_BYTES_MAX, Proxied};
pub use rehearsal::{Refused, Rehearsal, lines_json, rehearse};
pub use roll::{Connected, Roll};
pub use socket::Socket;
pub use sources::{Seat, TooMany};
pub use stages::Published;
