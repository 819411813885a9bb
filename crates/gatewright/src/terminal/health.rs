//! `gatewright health`: whether a gateway serves, as an exit code, for those who start containers.

use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use integration::Fetch;
use types::headers::Headers;

use super::Where;
use crate::exit::{self, Failure};

/// How long the answer may take. Container engines give up after 30 s by themselves, and ask again sooner.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);
/// The longest answer, in bytes; it is a word.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

#[derive(Args, Clone, Debug)]
pub(crate) struct HealthOptions {
    #[command(flatten)]
    gateway: Where,
}

/// Asks for `/_health`, which both addresses of a gateway answer.
///
/// # Errors
/// When it does not answer 200 in time; the exit code is 1, because Docker keeps 2 and more for itself.
pub(crate) fn run(options: &HealthOptions) -> Result<(), Failure> {
    let asking = options.gateway.asking()?;
    let refused = |text: String| Failure { code: exit::REFUSED, text };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::config(format!("start a thread: {error}")))?;
    let (headers, body) = (Headers::default(), Bytes::new());
    let fetch = Fetch {
        method: "GET",
        headers: &headers,
        body: &body,
        answer_bytes_max: ANSWER_BYTES_MAX,
        timeout: ANSWER_TIME_MAX,
    };
    let target = asking.place.below("/_health");
    match runtime.block_on(asking.http.fetch(&target, &fetch)) {
        Ok((200, _)) => Ok(()),
        Ok((status, _)) => Err(refused(format!("{} answers {status}", asking.named))),
        Err(error) => Err(refused(format!("no gateway answers at {}: {error}", asking.named))),
    }
}
