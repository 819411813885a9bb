//! What callers are told when a function was not run, or did not come to an answer. The texts are Lambda's own, as its users
//! report them; that they are spelled so to the letter is inferred.

use std::time::Duration;

use bytes::Bytes;
use integration::Invoked;
use serde_json::{Value, json};
use types::arn;
use types::headers::Headers;

/// The largest answer of a function, in bytes. Source: documented ("Lambda quotas": 6 MB each for request and response).
pub(crate) const ANSWER_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The function is not known: 404.
pub(crate) fn not_found(function: &arn::Function) -> Invoked {
    let message = format!("Function not found: {function}");
    refused(404, "ResourceNotFoundException", &json!({ "Message": message, "Type": "User" }))
}

/// Too many calls wait already: 429.
pub(crate) fn throttled() -> Invoked {
    let body = json!({
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "Type": "User", "message": "Rate Exceeded.",
    });
    refused(429, "TooManyRequestsException", &body)
}

/// What was said of the client cannot be read: 400. Source: reported by users (boto3, issue 2153).
pub(crate) fn bad_client_context() -> Invoked {
    let message = "Client context must be a valid Base64-encoded JSON object.";
    refused(400, "InvalidRequestContentException", &json!({ "Type": "User", "message": message }))
}

fn refused(status: u16, error_type: &'static str, body: &Value) -> Invoked {
    let mut headers = Headers::new();
    headers.append("x-amzn-ErrorType", error_type);
    Invoked { status, headers, payload: body.to_string().into(), failed: false }
}

/// The process could not be begun.
pub(crate) fn not_begun(why: &str) -> Bytes {
    of("Runtime.InvalidEntrypoint", why)
}

/// The process ended before it answered.
pub(crate) fn exited(request_id: &str, how: &str) -> Bytes {
    of("Runtime.ExitError", &format!("RequestId: {request_id} Error: Runtime exited {how}"))
}

/// The function took too long, and its process is ended.
pub(crate) fn timed_out(request_id: &str, timeout: Duration) -> Bytes {
    let seconds = timeout.as_secs_f64();
    of("Sandbox.Timedout", &format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds"))
}

/// The function's answer is too large.
pub(crate) fn too_large(bytes: usize) -> Bytes {
    let text = format!(
        "Response payload size ({bytes} bytes) exceeded maximum allowed payload size ({ANSWER_BYTES_MAX} bytes)."
    );
    of("Function.ResponseSizeTooLarge", &text)
}

fn of(error_type: &str, message: &str) -> Bytes {
    json!({ "errorType": error_type, "errorMessage": message }).to_string().into()
}
