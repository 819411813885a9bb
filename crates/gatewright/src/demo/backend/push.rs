//! Pushes one message to one client: `POST {push_base}/@connections/{id}`, as any backend without an SDK would.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time;

/// How long one push may take. The gateway answers when it has taken the message, not when the client has it.
pub(super) const PUSH_TIME_MAX: Duration = Duration::from_secs(2);

/// Posts `message` and gives the status of the answer: 200 taken, 410 no such client.
///
/// `id` has passed [`is_id`](super::clients::is_id). Each push has a connection of its own, which ends with it: the
/// demo's few pushes are not worth a pool.
///
/// # Errors
/// What failed, in words, when there is no answer within [`PUSH_TIME_MAX`].
pub(super) async fn push(push_base: &str, id: &str, message: Bytes) -> Result<StatusCode, String> {
    match time::timeout(PUSH_TIME_MAX, post(push_base, id, message)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {} s", PUSH_TIME_MAX.as_secs())),
    }
}

async fn post(push_base: &str, id: &str, message: Bytes) -> Result<StatusCode, String> {
    let uri: Uri = format!("{push_base}/@connections/{id}").parse().map_err(|error| format!("address: {error}"))?;
    let authority = uri.authority().ok_or("address: no host in it")?.as_str().to_owned();
    let stream = TcpStream::connect(&authority).await.map_err(|error| format!("connect to {authority}: {error}"))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| format!("connect to {authority}: {error}"))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, &authority)
        .header(CONNECTION, "close")
        .body(Full::new(message))
        .map_err(|error| format!("request: {error}"))?;
    // The connection is driven here, beside the one request on it, so that no task outlives this function. Joined, not
    // raced: the answer often arrives together with the connection's end.
    let answer = async move { sender.send_request(request).await.map(|answer| answer.status()) };
    let (answer, _) = tokio::join!(answer, connection);
    answer.map_err(|error| format!("send: {error}"))
}
