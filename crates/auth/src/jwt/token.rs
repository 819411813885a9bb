//! Takes a token apart: a compact JWS (RFC 7515, 7.1).

use super::claims::Claims;
use super::keys::Keys;
use super::refusal::{Refusal, RefusalKind};
use super::{Algorithm, TOKEN_BYTES_MAX, decode, shown};
use crate::strict_json::Json;

/// What a client sent, taken apart. Nothing of it is believed yet.
pub struct Token<'t> {
    pub(super) algorithm: Algorithm,
    /// `kid`: which of the issuer's keys it says it is signed with.
    pub(super) key_id: Option<String>,
    /// Header and payload as they came: what the signature is of.
    pub(super) signed: &'t str,
    payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl<'t> Token<'t> {
    /// Reads a token's three parts and its header.
    ///
    /// # Errors
    /// It is too long, no compact JWS, signed in a way that is not checked, of another purpose (`typ`), or asks for
    /// something of its reader (`crit`).
    pub fn read(text: &'t str) -> Result<Token<'t>, Refusal> {
        let malformed = |detail: &str| Refusal::new(RefusalKind::Malformed, detail);
        if text.len() > TOKEN_BYTES_MAX {
            let detail = format!("the token has {} bytes; at most {TOKEN_BYTES_MAX} are read", text.len());
            return Err(Refusal::new(RefusalKind::Malformed, detail));
        }
        let parts: Vec<_> = text.split('.').collect();
        let (header, payload, signature) = match parts[..] {
            [header, payload, signature] => (header, payload, signature),
            [_, _, _, _, _] => {
                return Err(malformed("the token has five parts, so it is encrypted; only signed ones are read"));
            }
            _ => return Err(malformed("it is no token: a signed one is three parts with dots between them")),
        };
        let bytes =
            |part: &str, name: &str| decode(part).ok_or_else(|| malformed(&format!("its {name} is no base64url")));
        let (algorithm, key_id) = read_header(&bytes(header, "header")?)?;
        let signed = &text[..header.len() + 1 + payload.len()];
        let (payload, signature) = (bytes(payload, "payload")?, bytes(signature, "signature")?);
        Ok(Token { algorithm, key_id, signed, payload, signature })
    }

    /// What the token claims, if one of the issuer's keys signed it.
    ///
    /// # Errors
    /// [`RefusalKind::UnknownKey`] where no key fits what the token says of itself: the issuer may have new ones. Else the
    /// signature is wrong, or what it is of are no claims.
    pub fn verify(&self, keys: &Keys) -> Result<Claims, Refusal> {
        keys.verify(self)?;
        Claims::read(&self.payload)
    }
}

fn read_header(bytes: &[u8]) -> Result<(Algorithm, Option<String>), Refusal> {
    let malformed = |detail: String| Refusal::new(RefusalKind::Malformed, detail);
    let members = Json::object(bytes).map_err(|error| malformed(format!("its header {error}")))?;
    let (mut algorithm, mut key_id) = (None, None);
    for (name, value) in members {
        match (name.as_str(), value) {
            ("alg", Json::Text(name)) => algorithm = Some(read_algorithm(&name)?),
            ("kid", Json::Text(id)) => key_id = Some(id),
            ("typ", Json::Text(of)) if !is_access_token(&of) => {
                return Err(malformed(format!("`typ` is {}: it is no token to be let in with", shown(&of))));
            }
            ("alg" | "kid", _) => return Err(malformed(format!("`{name}` of its header is no text"))),
            ("typ", Json::Text(_)) => {}
            ("typ", _) => return Err(malformed("`typ` of its header is no text".to_owned())),
            // It names what a reader must understand; there is nothing of that kind which this one does.
            ("crit", _) => {
                return Err(malformed("its header has `crit`, which asks for what is not known here".to_owned()));
            }
            _ => {}
        }
    }
    let algorithm = algorithm.ok_or_else(|| malformed("its header has no `alg`".to_owned()))?;
    Ok((algorithm, key_id))
}

fn read_algorithm(name: &str) -> Result<Algorithm, Refusal> {
    let why = match name {
        _ if name.eq_ignore_ascii_case("none") => "a token without a signature proves nothing",
        _ if name.starts_with("HS") => {
            "whoever can check that can sign, so an issuer's public keys cannot be used for it"
        }
        _ => "that is not checked",
    };
    let detail = || format!("`alg` is {}: {why}; RS256, ES256 and EdDSA are checked", shown(name));
    Algorithm::of(name).ok_or_else(|| Refusal::new(RefusalKind::Algorithm, detail()))
}

// RFC 8725, 3.11: tokens of other kinds, which the issuer signs too, must not be taken for these. RFC 7515, 4.1.9: without
// regard to case, `application/` may be left out.
fn is_access_token(of: &str) -> bool {
    let of = of.to_ascii_lowercase();
    matches!(of.strip_prefix("application/").unwrap_or(&of), "jwt" | "at+jwt")
}
