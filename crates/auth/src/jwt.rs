//! JSON web tokens: what a client shows, the keys of the issuer that signed it, and what it claims.
//!
//! A [`Token`] is taken apart and not believed. [`Token::verify`] makes [`Claims`] of it, with one of the issuer's [`Keys`];
//! [`Claims::check`] tells whether they are meant for us and in force. RS256, ES256 and EdDSA with Ed25519 are checked, no
//! other, and only where the key's own kind agrees with what the token says of itself. Sources: RFC 7515 to 7519, 8037, 8725;
//! what is asked of the claims is what AWS documents for the JWT authorizers of HTTP APIs (docs/aws/auth.md 8).

mod claims;
mod keys;
mod refusal;
mod token;

pub use claims::{Claims, Expected};
pub use keys::Keys;
pub use refusal::{Refusal, RefusalKind};
pub use token::Token;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The longest token that is read, in bytes. Ours; all headers of a request have 10,240 on AWS (documented for REST APIs).
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// The longest set of keys that is read, in bytes. Those of large issuers, certificates included, have some 20 KB.
pub const KEYS_BYTES_MAX: usize = 128 * 1024;
/// How far the clocks of issuer and gateway may be apart, in seconds.
pub const LEEWAY_SECONDS: u64 = 30;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    const ALL: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

    fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    fn of(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// Bytes from base64url without padding. It has one spelling: bits that mean nothing must be zero.
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// How much of a text that others chose is repeated.
const SHOWN_CHARS_MAX: usize = 60;

/// A text that others chose, fit for a line of a log.
fn shown(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN_CHARS_MAX).flat_map(char::escape_debug).collect();
    let more = if text.chars().nth(SHOWN_CHARS_MAX).is_some() { "…" } else { "" };
    format!("`{shown}{more}`")
}

fn all_shown<'t>(texts: impl IntoIterator<Item = &'t String>) -> String {
    texts.into_iter().map(|text| shown(text)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{decode, shown};

    #[test]
    fn bytes_have_one_spelling() {
        assert_eq!(decode("AQ"), Some(vec![1]));
        for text in ["AR", "AQ=", "AQ==", "A", "A+", "A/", "AQ\n", " AQ", "A.Q", "ÄQ"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_others_chose_stays_on_one_line_and_is_short() {
        assert_eq!(shown("a\n\u{1b}[31mb"), "`a\\n\\u{1b}[31mb`");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), 63);
    }
}
