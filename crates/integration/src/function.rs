//! Lambda functions as backends: where they run is behind a trait, and one who runs them is an Invoke endpoint.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use types::arn::Function;
use types::headers::Headers;
use types::message::InvocationType;

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::http::{self, Call, Http};

/// Says that a function failed: `Handled` or `Unhandled`. Source: documented ("Invoke" of the Lambda API).
const FUNCTION_ERROR: &str = "X-Amz-Function-Error";

/// Where functions run.
pub trait Functions: Send + Sync {
    /// Whether it can tell that it has the function; what is not had is remarked at deployment. One who cannot tell says yes.
    fn has(&self, function: &Function) -> bool;

    /// Runs a function, or has it queued.
    ///
    /// # Errors
    /// Where it runs cannot be reached, or breaks off. A function that fails, and one that may not be run, are answers.
    ///
    /// # Cancel safety
    /// It is dropped at the deadline, whatever the function does then.
    fn invoke<'a>(&'a self, invocation: &'a Invocation<'a>) -> Invoking<'a>;
}

/// Whoever runs them may have to be told of the end too.
impl<F: Functions> Functions for Arc<F> {
    fn has(&self, function: &Function) -> bool {
        (**self).has(function)
    }

    fn invoke<'a>(&'a self, invocation: &'a Invocation<'a>) -> Invoking<'a> {
        (**self).invoke(invocation)
    }
}

/// A function's run.
pub type Invoking<'a> = Pin<Box<dyn Future<Output = Result<Invoked, Error>> + Send + 'a>>;

/// One call of a function.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// Which, and which version of it.
    pub function: &'a Function,
    /// Whether its answer is waited for.
    pub kind: InvocationType,
    /// What goes along with it, such as `X-Amz-Client-Context`.
    pub headers: &'a Headers,
    /// What it is given: JSON.
    pub payload: &'a Bytes,
    /// Whether it may be run again when it is unknown if it was run.
    pub may_repeat: bool,
    /// When nobody waits for it any more.
    pub deadline: Instant,
}

/// What came of a call, as Lambda's Invoke says it. Source: documented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoked {
    /// 200; 202 where it is queued; else it was not run, and the payload says why.
    pub status: u16,
    /// For the log, such as `x-amzn-RequestId`.
    pub headers: Headers,
    /// What the function gave.
    pub payload: Bytes,
    /// It was run and failed; the payload says how.
    pub failed: bool,
}

/// Has functions run by whoever speaks Lambda's Invoke: moto, LocalStack, `sam local start-lambda`, the runtime interface
/// emulator (whose one function is called `function`). Calls are not signed.
///
/// Functions are asked for by name and qualifier: their account and region, which such servers do not all know, are not told.
pub struct LambdaEndpoint {
    http: Arc<Http>,
    endpoint: Endpoint,
}

impl LambdaEndpoint {
    /// The server at this address.
    pub fn new(http: Arc<Http>, endpoint: Endpoint) -> LambdaEndpoint {
        LambdaEndpoint { http, endpoint }
    }

    async fn call(&self, invocation: &Invocation<'_>) -> Result<Invoked, Error> {
        let target = self.endpoint.below(&path(invocation.function));
        let mut headers = invocation.headers.clone();
        headers.set("X-Amz-Invocation-Type", invocation.kind.name());
        // They come last, as in every other call.
        for (name, value) in [("Host", target.authority.clone()), ("Connection", "Keep-Alive".to_owned())] {
            headers.remove(name);
            headers.append(name, value);
        }
        let (body, may_repeat) = (invocation.payload, invocation.may_repeat);
        let call = Call {
            method: "POST",
            headers: &headers,
            body,
            carries_body: true,
            may_repeat,
            answer_bytes_max: usize::MAX,
        };
        let (status, headers, payload) = http::call(&self.http, &target, None, &call).await?;
        let failed = headers.get(FUNCTION_ERROR).is_some();
        Ok(Invoked { status, headers, payload, failed })
    }
}

impl Functions for LambdaEndpoint {
    fn has(&self, _: &Function) -> bool {
        true
    }

    fn invoke<'a>(&'a self, invocation: &'a Invocation<'a>) -> Invoking<'a> {
        Box::pin(self.call(invocation))
    }
}

// A name and a qualifier have nothing that a path minds but the dollar sign of `$LATEST`.
fn path(function: &Function) -> String {
    let qualifier = function.qualifier.as_deref();
    let query = qualifier.map(|qualifier| format!("?Qualifier={}", qualifier.replace('$', "%24")));
    format!("/2015-03-31/functions/{}/invocations{}", function.name, query.unwrap_or_default())
}
