//! An issuer's public keys: a JWK set (RFC 7517), as its `jwks_uri` gives it.

use std::fmt;

use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::refusal::{Refusal, RefusalKind};
use super::token::Token;
use super::{Algorithm, KEYS_BYTES_MAX, decode, shown};
use crate::strict_json::Json;

/// How many keys of a set are used: a token that names none is tried with each that fits its algorithm.
const KEYS_MAX: usize = 64;
/// How many bits an RSA key has. Source: RFC 7518, 3.3; more than 8192 only slow everybody down.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// An RSA key's public exponent, in bytes; it is 65537 nearly everywhere.
const EXPONENT_BYTES_MAX: usize = 4;
/// A coordinate of P-256, and a key of Ed25519, in bytes.
const POINT_BYTES: usize = 32;

/// The keys with which an issuer signs, as far as they can be used.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    keys: Vec<Key>,
    left_out: Vec<String>,
}

#[derive(Clone, PartialEq, Eq)]
struct Key {
    id: Option<String>,
    material: Material,
}

#[derive(Clone, PartialEq, Eq)]
enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// Uncompressed: 4, x, y.
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl Keys {
    /// Reads a set. Keys of other kinds or for other uses are left out, members that mean nothing here are let be.
    ///
    /// # Errors
    /// It is too long, or no JSON object with a list `keys`.
    pub fn parse(document: &[u8]) -> Result<Keys, String> {
        if document.len() > KEYS_BYTES_MAX {
            return Err(format!("the set of keys has {} bytes; at most {KEYS_BYTES_MAX} are read", document.len()));
        }
        let members = Json::object(document).map_err(|error| format!("the set of keys {error}"))?;
        let Some(Json::List(list)) = take(members, "keys") else {
            return Err("the set of keys has no list `keys`".to_owned());
        };
        let mut keys = Keys { keys: Vec::new(), left_out: Vec::new() };
        for (at, key) in list.into_iter().enumerate() {
            if at == KEYS_MAX {
                keys.left_out.push(format!("the keys after the first {KEYS_MAX}"));
                break;
            }
            let Json::Object(members) = key else {
                keys.left_out.push(format!("key {} is no object", at + 1));
                continue;
            };
            match Key::read(&members) {
                Ok(key) => keys.keys.push(key),
                Err(why) => {
                    let name = text(&members, "kid").map(shown).unwrap_or_default();
                    keys.left_out.push(format!("key {} {name}: {why}", at + 1).replace("  ", " "));
                }
            }
        }
        Ok(keys)
    }

    /// How many can be used.
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    /// What was left out, and why.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    // Whether one of the keys that fit what the token says of itself made its signature.
    pub(super) fn verify(&self, token: &Token<'_>) -> Result<(), Refusal> {
        let named = |key: &&Key| token.key_id.is_none() || key.id == token.key_id;
        let of_kind = |key: &&Key| key.material.algorithm() == token.algorithm;
        let fits = self.keys.iter().filter(named).filter(of_kind).collect::<Vec<_>>();
        let algorithm = token.algorithm.name();
        match fits.as_slice() {
            [] => Err(self.none_fits(token, algorithm)),
            keys if keys.iter().any(|key| key.material.signed(token)) => Ok(()),
            _ => Err(Refusal::new(
                RefusalKind::Signature,
                format!("its signature ({algorithm}) is none of the issuer's"),
            )),
        }
    }

    fn none_fits(&self, token: &Token<'_>, algorithm: &str) -> Refusal {
        let Some(id) = &token.key_id else {
            return Refusal::new(RefusalKind::UnknownKey, format!("the issuer has no key for {algorithm}"));
        };
        match self.keys.iter().find(|key| key.id.as_ref() == Some(id)) {
            Some(key) => {
                let other = key.material.algorithm().name();
                let detail = format!("`alg` is {algorithm}, and the issuer's key {} is one for {other}", shown(id));
                Refusal::new(RefusalKind::Algorithm, detail)
            }
            None => {
                Refusal::new(RefusalKind::UnknownKey, format!("the issuer has no key with the `kid` {}", shown(id)))
            }
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

impl Key {
    // A key, or why it is left out.
    fn read(members: &[(String, Json)]) -> Result<Key, String> {
        let kind = text(members, "kty").ok_or("it has no `kty`")?;
        let curve = text(members, "crv");
        let material = match (kind, curve) {
            ("RSA", _) => rsa(members)?,
            ("EC", Some("P-256")) => {
                let point = [&[4][..], &coordinate(members, "x")?, &coordinate(members, "y")?].concat();
                Material::P256(point)
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519(coordinate(members, "x")?),
            ("EC" | "OKP", curve) => return Err(format!("`crv` is {}", shown(curve.unwrap_or_default()))),
            (other, _) => return Err(format!("`kty` is {}", shown(other))),
        };
        let has = |name: &str| members.iter().any(|(other, _)| other == name);
        match text(members, "use") {
            Some(other) if other != "sig" => return Err(format!("`use` is {}, and not `sig`", shown(other))),
            None if has("use") => return Err("`use` is no text".to_owned()),
            _ => {}
        }
        let verifies = |list: &Vec<Json>| list.contains(&Json::Text("verify".to_owned()));
        match get(members, "key_ops") {
            Some(Json::List(list)) if verifies(list) => {}
            None => {}
            Some(_) => return Err("`key_ops` does not hold `verify`".to_owned()),
        }
        match text(members, "alg") {
            Some(other) if other != material.algorithm().name() => return Err(format!("`alg` is {}", shown(other))),
            None if has("alg") => return Err("`alg` is no text".to_owned()),
            _ => {}
        }
        let id = text(members, "kid").map(str::to_owned);
        if id.is_none() && has("kid") {
            return Err("`kid` is no text".to_owned());
        }
        Ok(Key { id, material })
    }
}

impl Material {
    /// The one way in which this key signs.
    fn algorithm(&self) -> Algorithm {
        match self {
            Material::Rsa { .. } => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
            Material::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    fn signed(&self, token: &Token<'_>) -> bool {
        let (message, signature) = (token.signed.as_bytes(), token.signature.as_slice());
        let verified = match self {
            Material::Rsa { modulus, exponent } => {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            Material::P256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature),
            Material::Ed25519(point) => UnparsedPublicKey::new(&ED25519, point).verify(message, signature),
        };
        verified.is_ok()
    }
}

fn rsa(members: &[(String, Json)]) -> Result<Material, String> {
    let number = |name: &str| {
        let bytes = text(members, name).and_then(decode).ok_or_else(|| format!("`{name}` is no base64url"))?;
        // Some issuers write a zero before it, which is not part of the number.
        Ok::<_, String>(bytes.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<_>>())
    };
    let (modulus, exponent) = (number("n")?, number("e")?);
    let bits = modulus.first().map_or(0, |first| modulus.len() * 8 - first.leading_zeros() as usize);
    if !RSA_BITS.contains(&bits) {
        return Err(format!("its modulus has {bits} bits; {} to {} are taken", RSA_BITS.start(), RSA_BITS.end()));
    }
    match exponent.as_slice() {
        [] | [1] => Err("`e` is no exponent".to_owned()),
        long if long.len() > EXPONENT_BYTES_MAX => Err(format!("`e` has more than {EXPONENT_BYTES_MAX} bytes")),
        _ => Ok(Material::Rsa { modulus, exponent }),
    }
}

fn coordinate(members: &[(String, Json)], name: &str) -> Result<Vec<u8>, String> {
    let bytes = text(members, name).and_then(decode).filter(|bytes| bytes.len() == POINT_BYTES);
    bytes.ok_or_else(|| format!("`{name}` is not {POINT_BYTES} bytes in base64url"))
}

fn get<'m>(members: &'m [(String, Json)], name: &str) -> Option<&'m Json> {
    members.iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

fn text<'m>(members: &'m [(String, Json)], name: &str) -> Option<&'m str> {
    match get(members, name)? {
        Json::Text(text) => Some(text),
        _ => None,
    }
}

fn take(members: Vec<(String, Json)>, name: &str) -> Option<Json> {
    members.into_iter().find(|(other, _)| other == name).map(|(_, value)| value)
}
