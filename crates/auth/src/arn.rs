//! The names of what calls are about, and of who makes them, as policies write them. Source: documented.

use crate::encoding::{decode_text, encode_into};

/// `arn:aws:iam::{account}:user/{user}`.
pub fn user_arn(account_id: &str, user: &str) -> String {
    format!("arn:aws:iam::{account_id}:user/{user}")
}

/// What an `@connections` call is about:
/// `arn:aws:execute-api:{region}:{account}:{apiId}/{stage}/{method}/@connections/{connectionId}`.
pub fn push_resource(region: &str, account_id: &str, api_and_stage: (&str, &str), method: &str, id: &str) -> String {
    let (api_id, stage) = api_and_stage;
    format!("arn:aws:execute-api:{region}:{account_id}:{api_id}/{stage}/{method}/@connections/{id}")
}

/// What a signed handshake is about: `arn:aws:execute-api:{region}:{account}:{apiId}/{stage}/$connect`.
pub fn connect_resource(region: &str, account_id: &str, (api_id, stage): (&str, &str)) -> String {
    format!("arn:aws:execute-api:{region}:{account_id}:{api_id}/{stage}/$connect")
}

/// What a call of the control plane is about: `arn:aws:apigateway:{region}::/apis/{apiId}`, from its path.
///
/// However the path spells it, the name is one, or a Deny could be gone round. Tags are of an ARN, which stands encoded in the
/// name (documented); elsewhere only a slash that does not separate does (ours).
pub fn control_resource(region: &str, path: &str) -> String {
    let below = path.strip_prefix("/v2").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let is_of_tags = below.starts_with("/tags/");
    let segments = below.split('/').enumerate().map(|(at, segment)| {
        let text = decode_text(segment);
        match at > 1 && is_of_tags {
            true => {
                let mut encoded = Vec::new();
                encode_into(&mut encoded, text.as_bytes(), b"");
                String::from_utf8_lossy(&encoded).into_owned()
            }
            false => text.replace('/', "%2F"),
        }
    });
    format!("arn:aws:apigateway:{region}::{}", segments.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::control_resource;

    #[test]
    fn a_resource_has_one_name_however_its_path_is_spelled() {
        for (path, expected) in [
            ("/v2/apis", "/apis"),
            ("/v2/apis/abc", "/apis/abc"),
            ("/v2/apis/%61bc", "/apis/abc"),
            ("/v2/apis/abc/stages/%24default", "/apis/abc/stages/$default"),
            ("/v2/apis/abc/stages/dev/routesettings/GET%20%2Fa", "/apis/abc/stages/dev/routesettings/GET %2Fa"),
            ("/apikeys/k1", "/apikeys/k1"),
            (
                "/v2/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2Fabc",
                "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2Fabc",
            ),
            (
                "/v2/tags/arn%3aaws:apigateway:us-east-1::%2fapis%2fabc",
                "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Fapis%2Fabc",
            ),
            ("/v2", "/v2"),
        ] {
            assert_eq!(
                control_resource("us-east-1", path),
                format!("arn:aws:apigateway:us-east-1::{expected}"),
                "{path}"
            );
        }
    }
}
