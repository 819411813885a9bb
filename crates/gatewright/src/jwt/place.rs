//! Where a handshake has a token.

use std::fmt;

use types::event::Handshake;
use types::nearest::nearest;
use types::subprotocols::{self, TOKEN_FOLLOWS};

/// What may stand before a token in a header.
const BEARER: &str = "bearer";

/// One place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TokenPlace {
    /// A header, with or without `Bearer` before the token.
    Header(String),
    /// A query parameter.
    Query(String),
    /// A cookie.
    Cookie(String),
    /// What a page gives as subprotocols: the one behind `access_token`, or a token alone.
    Subprotocol,
}

impl fmt::Display for TokenPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenPlace::Header(name) => write!(f, "header:{name}"),
            TokenPlace::Query(name) => write!(f, "query:{name}"),
            TokenPlace::Cookie(name) => write!(f, "cookie:{name}"),
            TokenPlace::Subprotocol => f.write_str("subprotocol"),
        }
    }
}

impl TokenPlace {
    /// Reads what the settings say.
    ///
    /// # Errors
    /// A sentence that says what would fit.
    pub(super) fn parse(text: &str) -> Result<TokenPlace, String> {
        let (kind, name) = text.split_once(':').unwrap_or((text, ""));
        let name = name.to_owned();
        match kind {
            "subprotocol" if text == kind => Ok(TokenPlace::Subprotocol),
            "header" if name.eq_ignore_ascii_case(subprotocols::HEADER) => Ok(TokenPlace::Subprotocol),
            "header" if !name.is_empty() => Ok(TokenPlace::Header(name)),
            "query" if !name.is_empty() => Ok(TokenPlace::Query(name)),
            "cookie" if !name.is_empty() => Ok(TokenPlace::Cookie(name)),
            _ => {
                let meant = nearest(kind, ["header", "query", "cookie", "subprotocol"]);
                let meant = meant.map(|meant| format!(" ({meant}?)")).unwrap_or_default();
                Err(format!("`{text}` is no place{meant}: header:NAME, query:NAME, cookie:NAME or subprotocol"))
            }
        }
    }

    /// The place that an identity source of an authorizer is.
    pub(super) fn of_source(source: &str) -> Option<TokenPlace> {
        if let Some(name) = source.strip_prefix("route.request.header.") {
            // Which cookie it is, only the settings say.
            return (!name.eq_ignore_ascii_case("cookie"))
                .then(|| TokenPlace::parse(&format!("header:{name}")).ok())?;
        }
        source.strip_prefix("route.request.querystring.").map(|name| TokenPlace::Query(name.to_owned()))
    }

    // All tokens that stand there.
    fn tokens(&self, handshake: &Handshake) -> Vec<String> {
        let headers = &handshake.headers;
        let tokens: Vec<_> = match self {
            TokenPlace::Header(name) => headers.get_all(name).filter_map(bare).map(str::to_owned).collect(),
            TokenPlace::Query(name) => {
                handshake.query.iter().filter(|(other, _)| other == name).map(|(_, value)| value.clone()).collect()
            }
            TokenPlace::Cookie(name) => {
                let pairs = headers.get_all("Cookie").flat_map(|value| value.split(';'));
                let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
                pairs.filter(|(other, _)| other == name).map(|(_, value)| value.trim_matches('"').to_owned()).collect()
            }
            TokenPlace::Subprotocol => among_subprotocols(handshake),
        };
        tokens.into_iter().filter(|token| !token.is_empty()).collect()
    }
}

/// The first place's token.
///
/// # Errors
/// There is none, or more than one at the same place: then it is unclear which of them others read.
pub(super) fn find(places: &[TokenPlace], handshake: &Handshake) -> Result<String, String> {
    for place in places {
        let mut tokens = place.tokens(handshake);
        match tokens.len() {
            0 => {}
            1 => return Ok(tokens.remove(0)),
            several => return Err(format!("the client brings {several} tokens at {place}")),
        }
    }
    let places: Vec<_> = places.iter().map(TokenPlace::to_string).collect();
    Err(format!("the client brings no token ({})", places.join(", ")))
}

fn among_subprotocols(handshake: &Handshake) -> Vec<String> {
    let offered = handshake.headers.get_all(subprotocols::HEADER).flat_map(|value| value.split(','));
    let offered: Vec<_> = offered.map(str::trim).collect();
    // A token's header is a JSON object, which begins so in base64.
    let is_token = |name: &str| name.starts_with("ey") && name.split('.').count() == 3;
    match offered[..] {
        [one] if is_token(one) => vec![one.to_owned()],
        _ => offered.windows(2).filter(|two| two[0] == TOKEN_FOLLOWS).map(|two| two[1].to_owned()).collect(),
    }
}

// A token without its scheme; none where the header is of another scheme.
fn bare(value: &str) -> Option<&str> {
    let value = value.trim();
    match value.split_once([' ', '\t']) {
        None => Some(value).filter(|value| !value.eq_ignore_ascii_case(BEARER)),
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(BEARER) => Some(token.trim()),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use types::headers::Headers;

    use super::*;

    fn handshake(headers: &[(&str, &str)], query: &[(&str, &str)]) -> Handshake {
        let headers: Headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Handshake { headers, query, ..Handshake::default() }
    }

    #[test]
    fn a_token_is_found_where_the_settings_say() {
        // The places, in order; the headers; the query; the token, or a part of what is said.
        type Case<'c> = (&'c [&'c str], &'c [(&'c str, &'c str)], &'c [(&'c str, &'c str)], Result<&'c str, &'c str>);
        let default = &super::super::settings::PLACES[..];
        let cases: &[Case<'_>] = &[
            (default, &[("authorization", "Bearer a.b.c")], &[], Ok("a.b.c")),
            (default, &[("Authorization", "bearer   a.b.c ")], &[], Ok("a.b.c")),
            (default, &[("Authorization", "a.b.c")], &[], Ok("a.b.c")),
            (default, &[("Authorization", "Basic dTpw")], &[("token", "a.b.c")], Ok("a.b.c")),
            (default, &[("Authorization", "AWS4-HMAC-SHA256 Credential=A, Signature=b")], &[], Err("no token")),
            (default, &[("Authorization", "Bearer ")], &[], Err("no token")),
            (default, &[("Authorization", "Bearer")], &[], Err("no token")),
            (
                default,
                &[("Authorization", "Bearer a"), ("authorization", "Bearer b")],
                &[],
                Err("2 tokens at header:A"),
            ),
            (default, &[("Authorization", "Bearer a")], &[("token", "b")], Ok("a")),
            (default, &[], &[("token", "b")], Ok("b")),
            (default, &[], &[("token", "b"), ("token", "b")], Err("2 tokens at query:token")),
            (default, &[], &[("token", "")], Err("(header:Authorization, subprotocol, query:token)")),
            (default, &[], &[("Token", "b")], Err("no token")),
            (default, &[("Cookie", "token=b")], &[], Err("no token")),
            (default, &[("Sec-WebSocket-Protocol", "access_token, a.b.c")], &[], Ok("a.b.c")),
            (default, &[("Sec-WebSocket-Protocol", "chat,access_token,a.b.c")], &[], Ok("a.b.c")),
            (
                default,
                &[("Sec-WebSocket-Protocol", "access_token"), ("sec-websocket-protocol", "a.b.c")],
                &[],
                Ok("a.b.c"),
            ),
            (default, &[("Sec-WebSocket-Protocol", "eyJ.b.c")], &[], Ok("eyJ.b.c")),
            (default, &[("Sec-WebSocket-Protocol", "com.example.chat")], &[("token", "b")], Ok("b")),
            (default, &[("Sec-WebSocket-Protocol", "graphql-transport-ws")], &[], Err("no token")),
            (default, &[("Sec-WebSocket-Protocol", "chat, a.b.c")], &[], Err("no token")),
            (
                default,
                &[("Sec-WebSocket-Protocol", "access_token, a, access_token, b")],
                &[],
                Err("2 tokens at subpro"),
            ),
            (default, &[("Sec-WebSocket-Protocol", "access_token")], &[], Err("no token")),
            (&["cookie:sid"], &[("Cookie", "a=b; sid=x.y.z; c=\"d\"")], &[], Ok("x.y.z")),
            (&["cookie:sid"], &[("Cookie", "sid=\"x\"")], &[], Ok("x")),
            (&["cookie:sid"], &[("Cookie", "sid=x"), ("cookie", "sid=y")], &[], Err("2 tokens at cookie:sid")),
            (&["cookie:sid"], &[("Cookie", "SID=x; xsid=y")], &[], Err("no token")),
            (&["query:a", "header:X-Token"], &[("x-token", "t")], &[("b", "c")], Ok("t")),
            (&["header:sec-websocket-protocol"], &[("Sec-WebSocket-Protocol", "access_token, t")], &[], Ok("t")),
        ];
        for (places, headers, query, expected) in cases {
            let places: Vec<_> = places.iter().map(|text| TokenPlace::parse(text).unwrap()).collect();
            let found = find(&places, &handshake(headers, query));
            match expected {
                Ok(token) => assert_eq!(found.as_deref(), Ok(*token), "{headers:?} {query:?}"),
                Err(part) => assert!(found.clone().is_err_and(|said| said.contains(part)), "{headers:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn identity_sources_are_places() {
        for (source, place) in [
            ("route.request.header.Authorization", Some(TokenPlace::Header("Authorization".to_owned()))),
            ("route.request.header.Sec-WebSocket-Protocol", Some(TokenPlace::Subprotocol)),
            ("route.request.header.Cookie", None),
            ("route.request.querystring.auth", Some(TokenPlace::Query("auth".to_owned()))),
            ("context.stage", None),
            ("stageVariables.a", None),
        ] {
            assert_eq!(TokenPlace::of_source(source), place, "{source}");
        }
    }
}
