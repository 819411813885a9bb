//! `gatewright demo`: an API, a backend and a page, so that one command shows what a WebSocket API is.
//!
//! Nothing here has a way of its own into the gateway: [`api`] is made through the control plane, [`backend`] is
//! called over HTTP and pushes through `@connections`, and [`page`] is an ordinary client that also reads the log.

pub(crate) mod api;
pub(crate) mod backend;
pub(crate) mod page;

/// The id of the demo's API, pinned at its creation so that the addresses on the page never change.
pub(crate) const API_ID: &str = "livedemo01";

/// The one stage of the demo's API.
pub(crate) const STAGE: &str = "demo";

/// The folder of the page on the gateway's own address, with both slashes.
pub(crate) const PAGE_PATH: &str = "/_gatewright/demo/";

/// The address below which the demo's clients are pushed to, without `/@connections`.
///
/// `origin` is the gateway's address with its scheme and without a closing slash: `http://127.0.0.1:4510`.
pub(crate) fn push_base(origin: &str) -> String {
    format!("{origin}/_aws/execute-api/{API_ID}/{STAGE}")
}
