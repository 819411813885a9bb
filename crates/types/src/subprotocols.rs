//! The subprotocols that a client offers, among which browsers put tokens: a page can set no other header.

use std::borrow::Cow;

/// The header that names them.
pub const HEADER: &str = "Sec-WebSocket-Protocol";
/// The subprotocol that says that the next one is a token: `new WebSocket(url, ["access_token", token])`. Source: what pages do,
/// docs/aws/auth.md 10.
pub const TOKEN_FOLLOWS: &str = "access_token";

/// No subprotocol that is registered has as long a name; what is longer is a token.
const NAME_BYTES_MAX: usize = 40;

/// The header's value as people may see it: `hide` makes something else of what may be a token.
pub fn shown(value: &str, hide: impl Fn(&str) -> String) -> Cow<'_, str> {
    let is_secret = |before: Option<&str>, name: &str| {
        !name.is_empty() && (name.len() > NAME_BYTES_MAX || before.is_some_and(|before| before.trim() == TOKEN_FOLLOWS))
    };
    let mut before = None;
    let mut any = false;
    let names: Vec<_> = value
        .split(',')
        .map(|part| {
            let name = part.trim();
            let secret = is_secret(before, name);
            any |= secret;
            before = Some(part);
            // Spaces stay as they are.
            if secret { Cow::Owned(part.replace(name, &hide(name))) } else { Cow::Borrowed(part) }
        })
        .collect();
    if any { Cow::Owned(names.join(",")) } else { Cow::Borrowed(value) }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_may_be_a_token_is_hidden() {
        let long = "x".repeat(41);
        for (value, expected) in [
            ("graphql-transport-ws, chat", "graphql-transport-ws, chat"),
            ("access_token, abc", "access_token, …"),
            ("access_token,abc,chat", "access_token,…,chat"),
            ("access_token", "access_token"),
            ("access_token, ", "access_token, "),
            (&long, "…"),
            (&format!("chat, {long}"), "chat, …"),
            ("", ""),
        ] {
            assert_eq!(shown(value, |_| "…".to_owned()), expected, "{value}");
        }
    }
}
