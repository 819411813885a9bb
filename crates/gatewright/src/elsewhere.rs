//! Answers calls that were meant for another service of AWS: whoever exports `AWS_ENDPOINT_URL` sends all of them here.
//!
//! Each in the form in which its client reads errors, so that the sentence reaches a person and not "invalid XML".

use control::Scope;
use http::{HeaderValue, Request, StatusCode};

use crate::answers::{Response, error, text_response};

/// The services that this program is, as signatures name them.
const OURS: &[&str] = &["apigateway", "execute-api"];

/// The answer to a call whose signature names another service; `None` where none does.
pub(crate) fn answer<B>(request: &Request<B>) -> Option<Response> {
    let service = Scope::of(request)?.service;
    if OURS.contains(&service.as_str()) {
        return None;
    }
    let text = format!(
        "this is gatewright, an API gateway, and not {service}: set AWS_ENDPOINT_URL_APIGATEWAYV2 and \
         AWS_ENDPOINT_URL_API_GATEWAY instead of AWS_ENDPOINT_URL"
    );
    let is_json = request.headers().contains_key("x-amz-target");
    let mut response = match (is_json, service.as_str()) {
        (true, _) => error(StatusCode::NOT_IMPLEMENTED, &text),
        (false, "s3") => xml(&format!("<Error><Code>NotImplemented</Code><Message>{text}</Message></Error>")),
        (false, _) => xml(&format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>NotImplemented</Code><Message>{text}</Message></Error></ErrorResponse>"
        )),
    };
    *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
    if is_json {
        response.headers_mut().insert("x-amzn-ErrorType", HeaderValue::from_static("NotImplementedException"));
    }
    Some(response)
}

fn xml(text: &str) -> Response {
    text_response("text/xml", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_other_services_are_told_where_they_are() {
        let asked = |service: &str, target: Option<&str>| {
            let scope = format!(
                "AWS4-HMAC-SHA256 Credential=AKID/20261127/us-east-1/{service}/aws4_request, SignedHeaders=host"
            );
            let mut request = Request::builder().header("Authorization", scope);
            if let Some(target) = target {
                request = request.header("X-Amz-Target", target);
            }
            answer(&request.body(()).unwrap()).map(|response| {
                let kind = response.headers().get(http::header::CONTENT_TYPE).unwrap().to_str().unwrap().to_owned();
                (response.status().as_u16(), kind)
            })
        };
        assert_eq!(asked("apigateway", None), None);
        assert_eq!(asked("execute-api", None), None);
        assert_eq!(asked("s3", None), Some((501, "text/xml".to_owned())));
        assert_eq!(asked("sts", None), Some((501, "text/xml".to_owned())));
        assert_eq!(asked("dynamodb", Some("DynamoDB_20120810.ListTables")), Some((501, "application/json".to_owned())));
        assert_eq!(asked("<script>", None), None);
        assert!(answer(&Request::builder().body(()).unwrap()).is_none());
    }
}
