//! Which functions API Gateway must be allowed to call.

use super::documents::{Document, Documents, text};

/// The functions that an API calls in its own name: names or ARNs. What stands there with stage variables in it is none.
pub(super) fn functions(documents: &Documents, api: &str) -> Vec<String> {
    callers(documents, api)
        .filter_map(|uri| function(uri))
        .filter(|function| !function.contains('$'))
        .map(str::to_owned)
        .collect()
}

/// The URIs of functions that an API calls in its own name, and in which stage variables stand.
pub(super) fn variable<'d>(documents: &Documents<'d>, api: &str) -> Vec<&'d str> {
    callers(documents, api).filter(|uri| function(uri).is_some_and(|function| function.contains('$'))).collect()
}

fn callers<'d>(documents: &Documents<'d>, api: &str) -> impl Iterator<Item = &'d str> + use<'d> {
    let uris = |collection: &str, uri: &'static str, role: &'static str| {
        let all: Vec<&'d Document> =
            documents.all(&format!("{api}/{collection}")).iter().map(|(_, document)| *document).collect();
        // With a role it is the role that is allowed.
        all.into_iter().filter(move |document| text(document, role).is_empty()).map(move |document| text(document, uri))
    };
    let authorizers = uris("authorizers", "authorizerUri", "authorizerCredentialsArn");
    uris("integrations", "integrationUri", "credentialsArn").chain(authorizers)
}

/// The function of a URI.
pub(super) fn function(uri: &str) -> Option<&str> {
    if uri.starts_with("arn:") && uri.split(':').nth(2) == Some("lambda") {
        return Some(uri);
    }
    let (_, path) = uri.split_once(":lambda:path/")?;
    let (_, rest) = path.split_once("functions/")?;
    let function = rest.strip_suffix("/invocations").unwrap_or(rest);
    (!function.is_empty()).then_some(function)
}

/// A function's name, without what else its ARN says.
pub(super) fn name(function: &str) -> &str {
    let (_, rest) = function.split_once(":function:").unwrap_or(("", function));
    rest.split(':').next().unwrap_or(rest)
}

/// A function without its version or alias, and that.
pub(super) fn qualified(function: &str) -> (&str, Option<&str>) {
    let start = function.find(":function:").map_or(0, |at| at + ":function:".len());
    match function[start..].split_once(':') {
        Some((name, qualifier)) => (&function[..start + name.len()], Some(qualifier)),
        None => (function, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_of_a_uri_is_found() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:chat";
        let uri = |function: &str| {
            format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations")
        };
        for (text, found, named, parts) in [
            (uri(arn), Some(arn), "chat", (arn, None)),
            (uri(&format!("{arn}:live")), Some(&*format!("{arn}:live")), "chat", (arn, Some("live"))),
            (uri("chat"), Some("chat"), "chat", ("chat", None)),
            (uri("chat:1"), Some("chat:1"), "chat", ("chat", Some("1"))),
            (arn.to_owned(), Some(arn), "chat", (arn, None)),
            ("http://127.0.0.1/functions/x/invocations".to_owned(), None, "", ("", None)),
            ("arn:aws:apigateway:us-east-1:dynamodb:action/PutItem".to_owned(), None, "", ("", None)),
        ] {
            assert_eq!(function(&text), found, "{text}");
            let found = found.unwrap_or_default();
            assert_eq!((name(found), qualified(found)), (named, parts), "{text}");
        }
    }
}
