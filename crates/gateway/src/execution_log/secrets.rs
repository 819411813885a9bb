//! What is secret in headers and addresses, and how much of it a log shows: asked by every view of a record.

use std::borrow::Cow;

use serde_json::{Map, Value};
use types::subprotocols;

use crate::address::decode;

/// Headers whose values open doors. Source: `Authorization` is observed to be masked by AWS; the others are ours.
const HEADERS: &[&str] = &[
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
    "x-amz-security-token",
    "x-api-key",
    "x-auth-token",
];

/// Query parameters whose values do. Ours.
const PARAMETERS: &[&str] = &[
    "access_token",
    "api_key",
    "apikey",
    "auth",
    "authorization",
    "id_token",
    "jwt",
    "password",
    "refresh_token",
    "secret",
    "token",
    "x-amz-security-token",
    "x-amz-signature",
    "x-api-key",
];

/// How many last characters of a secret stay. Source: observed.
const SHOWN: usize = 6;
/// Shorter secrets are hidden whole: six characters would be too much of them. Ours.
const PARTLY_SHOWN_MIN: usize = 16;

/// A header's value as a log may show it.
pub(crate) fn header<'v>(name: &str, value: &'v str) -> Cow<'v, str> {
    match HEADERS.iter().any(|secret| name.eq_ignore_ascii_case(secret)) {
        true => Cow::Owned(mask(value)),
        false if name.eq_ignore_ascii_case(subprotocols::HEADER) => subprotocols::shown(value, mask),
        false => Cow::Borrowed(value),
    }
}

/// A URL as a log may show it: what is secret in its query is masked.
pub fn url(url: &str) -> Cow<'_, str> {
    let Some((before, query)) = url.split_once('?') else { return Cow::Borrowed(url) };
    // A name that is written with percent signs is the same name to whoever reads the URL.
    let is_secret = |name: &str| {
        let name = decode(name);
        PARAMETERS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
    };
    if !query.split('&').any(|pair| pair.split_once('=').is_some_and(|(name, _)| is_secret(name))) {
        return Cow::Borrowed(url);
    }
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) if is_secret(name) => Cow::Owned(format!("{name}={}", mask(value))),
        _ => Cow::Borrowed(pair),
    });
    Cow::Owned(format!("{before}?{}", pairs.collect::<Vec<_>>().join("&")))
}

/// A function's event, or its answer, as a log may show it: what is secret in headers and query parameters is so here, too.
/// AWS shows it (observed); ours hides it in every view.
pub(crate) fn event(body: &[u8]) -> Cow<'_, [u8]> {
    event_with(body, &[])
}

/// The same where these names, of headers and of query parameters, are secret too.
pub(crate) fn event_with<'b>(body: &'b [u8], more: &[&str]) -> Cow<'b, [u8]> {
    let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else { return Cow::Borrowed(body) };
    let mut masked = false;
    for (name, secrets) in [
        ("headers", HEADERS),
        ("multiValueHeaders", HEADERS),
        ("queryStringParameters", PARAMETERS),
        ("multiValueQueryStringParameters", PARAMETERS),
    ] {
        if let Some(Value::Object(pairs)) = members.get_mut(name) {
            masked |= mask_pairs(pairs, &[secrets, more]);
        }
    }
    if masked { Cow::Owned(Value::Object(members).to_string().into_bytes()) } else { Cow::Borrowed(body) }
}

fn mask_pairs(pairs: &mut Map<String, Value>, secrets: &[&[&str]]) -> bool {
    let mut masked = false;
    let is_secret = |name: &str| secrets.iter().copied().flatten().any(|secret| name.eq_ignore_ascii_case(secret));
    for (name, value) in pairs.iter_mut() {
        let secret = is_secret(name);
        if !secret && !name.eq_ignore_ascii_case(subprotocols::HEADER) {
            continue;
        }
        let texts = match value {
            Value::Array(values) => values.iter_mut().collect(),
            one => vec![one],
        };
        for text in texts {
            let Some(shown) = text.as_str().filter(|text| !text.is_empty()) else { continue };
            let hidden = if secret { Cow::Owned(mask(shown)) } else { subprotocols::shown(shown, mask) };
            if let Cow::Owned(hidden) = hidden {
                *text = Value::String(hidden);
                masked = true;
            }
        }
    }
    masked
}

/// All but the last six characters, and all of what is short.
pub(crate) fn mask(value: &str) -> String {
    let length = value.chars().count();
    let hidden = if length < PARTLY_SHOWN_MIN { length } else { length - SHOWN };
    value.chars().enumerate().map(|(at, c)| if at < hidden { '*' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_short_ones_hidden_whole() {
        for (name, value, expected) in [
            ("Authorization", "Bearer secret123456", "*************123456"),
            ("X-Api-Key", "abcdefghijklmnopqrst", "**************opqrst"),
            ("cookie", "sid=1", "*****"),
            ("Set-Cookie", "a=b", "***"),
            ("authorization", "", ""),
            ("X-Other", "Bearer secret123456", "Bearer secret123456"),
            ("Sec-WebSocket-Protocol", "chat, access_token, a.b.c", "chat, access_token, *****"),
            ("sec-websocket-protocol", "chat, superchat", "chat, superchat"),
        ] {
            assert_eq!(header(name, value), expected, "{name}");
        }
        for (from, expected) in [
            (
                r#"{"headers":{"Cookie":"sid=1","x-api-key":"","A":"b"},"body":"x"}"#,
                r#"{"headers":{"Cookie":"*****","x-api-key":"","A":"b"},"body":"x"}"#,
            ),
            (
                r#"{"multiValueHeaders":{"set-cookie":["a","bc"],"Sec-WebSocket-Protocol":["chat","access_token,abc"]}}"#,
                r#"{"multiValueHeaders":{"set-cookie":["*","**"],"Sec-WebSocket-Protocol":["chat","access_token,***"]}}"#,
            ),
            (
                r#"{"queryStringParameters":{"Token":"abc","room":"7"}}"#,
                r#"{"queryStringParameters":{"Token":"***","room":"7"}}"#,
            ),
            (
                r#"{"queryStringParameters":{"auth":"abc","jwt":"d"}}"#,
                r#"{"queryStringParameters":{"auth":"***","jwt":"*"}}"#,
            ),
            (r#"{ "headers":{"A":"b"} }"#, r#"{ "headers":{"A":"b"} }"#),
            ("{\"headers\":", "{\"headers\":"),
        ] {
            assert_eq!(String::from_utf8_lossy(&event(from.as_bytes())), expected, "{from}");
        }
        let told = br#"{"headers":{"x-pass":"abc"},"queryStringParameters":{"pass":"abc"},"body":"abc"}"#;
        assert_eq!(
            String::from_utf8_lossy(&event_with(told, &["pass", "X-Pass"])),
            r#"{"headers":{"x-pass":"***"},"queryStringParameters":{"pass":"***"},"body":"abc"}"#
        );
        for (from, expected) in [
            ("http://h/p", "http://h/p"),
            ("http://h/p?room=1&x", "http://h/p?room=1&x"),
            ("http://h/p?room=1&Token=abc&y", "http://h/p?room=1&Token=***&y"),
            ("/?to%6Ben=abc&X%2DAmz-Signature=de", "/?to%6Ben=***&X%2DAmz-Signature=**"),
            ("/?X-Amz-Signature=0123456789abcdef0123", "/?X-Amz-Signature=**************ef0123"),
        ] {
            assert_eq!(url(from), expected, "{from}");
        }
    }
}
