//! `gatewright demo`: an API and a backend, and the console leads through them: one command shows what a WebSocket API is.
//!
//! Nothing here has a way of its own into the gateway: [`api`] is made through the control plane, [`backend`] is
//! called over HTTP and pushes through `@connections`.

mod api;
mod backend;

use control::{Caller, Control};
use http::Method;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::banner::Addresses;
use crate::console;
use crate::ready_made;

/// The id of the demo's API, pinned at its creation so that the addresses on the page never change.
pub(crate) const API_ID: &str = "livedemo01";

/// The one stage of the demo's API.
pub(crate) const STAGE: &str = "demo";

/// Starts the backend, on a free port of loopback, and makes the API.
///
/// # Errors
/// A sentence with what was tried.
pub(crate) async fn start(control: &Control, addresses: &Addresses, stop: watch::Receiver<bool>) -> Result<(), String> {
    let listener =
        TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| format!("demo backend: listen: {error}"))?;
    let address = listener.local_addr().map_err(|error| format!("demo backend: {error}"))?;
    tokio::spawn(backend::serve(listener, push_base(&format!("http://{}", addresses.listen)), stop));
    let api = format!("/v2/apis/{API_ID}");
    control.batch(&Caller::program(), |batch| {
        if ready_made::exists(batch, &api) {
            // Kept by --data-dir from an earlier tour, whose backend had another port.
            batch.call(Method::DELETE, &api, &Value::Null)?;
        }
        let call = |method, path: &str, body| batch.call(method, path, &body).map_err(String::from);
        api::create(&format!("http://{address}"), call)
    })
}

/// What to open.
pub(crate) fn invitation(addresses: &Addresses) -> String {
    format!("\nOpen the page:  {}{}\nCtrl-C stops everything.\n", addresses.admin_url(), console::PATH)
}

/// The address below which the demo's clients are pushed to, without `/@connections`.
///
/// `origin` is the gateway's address with its scheme and without a closing slash: `http://127.0.0.1:4510`.
fn push_base(origin: &str) -> String {
    format!("{origin}/_aws/execute-api/{API_ID}/{STAGE}")
}
