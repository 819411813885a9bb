//! Lambda functions as backends: where they run is behind a trait, and one who runs them is an Invoke endpoint.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use types::arn::{Function, domain};
use types::headers::Headers;
use types::message::{HttpTarget, InvocationType};

use crate::error::{Error, ErrorKind};
use crate::http::{self, Call, Http};
use crate::service::{self, ServicePlace, ServiceRequest, Signer};

/// Says that a function failed: `Handled` or `Unhandled`. Source: documented ("Invoke" of the Lambda API).
const FUNCTION_ERROR: &str = "X-Amz-Function-Error";

/// Where functions run.
pub trait Functions: Send + Sync {
    /// Whether it can tell that it has the function; what is not had is remarked at deployment. One who cannot tell says yes.
    fn has(&self, function: &Function) -> bool;

    /// Whether there is no function at all, and no place to ask for one.
    fn is_empty(&self) -> bool {
        false
    }

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

    fn is_empty(&self) -> bool {
        (**self).is_empty()
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

/// Has functions run by whoever speaks Lambda's Invoke: AWS itself, moto, LocalStack, `sam local start-lambda`, the runtime
/// interface emulator (whose one function is called `function`). Calls are signed as those of services.
///
/// At AWS functions are asked for by ARN, where it is known; elsewhere by name and qualifier: their account and region, which
/// such servers do not all know, are not told.
pub struct LambdaEndpoint {
    http: Arc<Http>,
    place: ServicePlace,
    signer: Option<Arc<dyn Signer>>,
}

impl LambdaEndpoint {
    /// Whoever answers there. Without a signer nothing is signed, and nothing goes to AWS.
    pub fn new(http: Arc<Http>, place: ServicePlace, signer: Option<Arc<dyn Signer>>) -> LambdaEndpoint {
        LambdaEndpoint { http, place, signer }
    }

    async fn call(&self, invocation: &Invocation<'_>) -> Result<Invoked, Error> {
        let function = invocation.function;
        let target = match &self.place {
            ServicePlace::At(endpoint) => endpoint.below(&path(&function.name, function)),
            ServicePlace::Aws => at_aws(function),
        };
        let mut headers = invocation.headers.clone();
        headers.set("X-Amz-Invocation-Type", invocation.kind.name());
        // They come last, as in every other call.
        for (name, value) in [("Host", target.authority.clone()), ("Connection", "Keep-Alive".to_owned())] {
            headers.remove(name);
            headers.append(name, value);
        }
        if self.signer.is_some() || self.place == ServicePlace::Aws {
            let request = self.to_sign(&target, &headers, invocation);
            let unready = |detail: String| Error::of(ErrorKind::Unready, format!("function {function}"), detail);
            service::sign(self.signer.as_deref(), &request, &mut headers).await.map_err(unready)?;
        }
        let (body, may_repeat) = (invocation.payload, invocation.may_repeat);
        let call = Call {
            method: "POST",
            headers: &headers,
            body,
            carries_body: true,
            may_repeat,
            answer_bytes_max: usize::MAX,
            clock: None,
        };
        let (status, headers, payload) = http::call(&self.http, &target, None, &call).await?;
        let failed = headers.get(FUNCTION_ERROR).is_some();
        Ok(Invoked { status, headers, payload, failed })
    }

    fn to_sign(&self, target: &HttpTarget, headers: &Headers, invocation: &Invocation<'_>) -> ServiceRequest {
        let query = target.path_and_query.split_once('?').map(|(_, query)| query.to_owned());
        ServiceRequest {
            method: "POST".to_owned(),
            host: target.authority.clone(),
            path: target.path().to_owned(),
            query: query.unwrap_or_default(),
            headers: headers.clone(),
            body: invocation.payload.clone(),
            region: invocation.function.region.clone(),
            service: "lambda".to_owned(),
            role: None,
            to_aws: self.place == ServicePlace::Aws,
        }
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

// By ARN, since the function may be another account's; colons are escaped, as AWS's own tools send them.
fn at_aws(function: &Function) -> HttpTarget {
    let whole = Function { qualifier: None, ..function.clone() }.to_string().replace(':', "%3A");
    let host = format!("lambda.{}.{}", function.region, domain(&function.partition));
    let path_and_query = path(&whole, function);
    HttpTarget { tls: true, authority: host.clone(), host, port: 443, path_and_query, way: None }
}

// A name and a qualifier have nothing that a path minds but the dollar sign of `$LATEST`.
fn path(named: &str, function: &Function) -> String {
    let qualifier = function.qualifier.as_deref();
    let query = qualifier.map(|qualifier| format!("?Qualifier={}", qualifier.replace('$', "%24")));
    format!("/2015-03-31/functions/{named}/invocations{}", query.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_aws_a_function_is_asked_for_by_its_arn() {
        let function = |account: &str, qualifier: Option<&str>| Function {
            partition: "aws".to_owned(),
            region: "eu-west-1".to_owned(),
            account_id: account.to_owned(),
            name: "chat".to_owned(),
            qualifier: qualifier.map(str::to_owned),
        };
        for (function, expected) in [
            (
                function("123456789012", Some("$LATEST")),
                "arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Achat/invocations?Qualifier=%24LATEST",
            ),
            (function("", None), "chat/invocations"),
        ] {
            let expected = format!("https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/{expected}");
            assert_eq!(at_aws(&function).url(), expected);
        }
    }
}
