//! An issuer with a key of each kind, which signs what it is told to.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512,
    RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};

/// Of nobody, and for nothing but these tests.
const RSA: &str = include_str!("rsa-2048.pem");

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key pair: its public half as issuers publish it, its private half for both readers.
pub(crate) struct Pair {
    pub(crate) kid: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) jwk: Value,
    pub(crate) private: EncodingKey,
    key: Key,
}

enum Key {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Pair {
    fn rsa() -> Pair {
        let body: String = RSA.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(body).expect("base64");
        let key = RsaKeyPair::from_der(&der).expect("a key");
        let RsaPublicKeyComponents::<Vec<u8>> { n, e } = key.public().into();
        let jwk = json!({"kty": "RSA", "kid": "r", "n": encode(n), "e": encode(e)});
        let private = EncodingKey::from_rsa_der(&der);
        Pair { kid: "r", algorithm: Algorithm::RS256, jwk, private, key: Key::Rsa(key) }
    }

    fn ec() -> Pair {
        let (rng, how) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let der = EcdsaKeyPair::generate_pkcs8(how, &rng).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(how, der.as_ref(), &rng).expect("a key");
        let point = key.public_key().as_ref();
        let jwk =
            json!({"kty": "EC", "crv": "P-256", "kid": "e", "x": encode(&point[1..33]), "y": encode(&point[33..])});
        let private = EncodingKey::from_ec_der(der.as_ref());
        Pair { kid: "e", algorithm: Algorithm::ES256, jwk, private, key: Key::Ec(key) }
    }

    fn ed() -> Pair {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        let key = Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("a key");
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": "d", "x": encode(key.public_key())});
        let private = EncodingKey::from_ed_der(der.as_ref());
        Pair { kid: "d", algorithm: Algorithm::EdDSA, jwk, private, key: Key::Ed(key) }
    }

    pub(crate) fn all() -> [Pair; 3] {
        [Pair::rsa(), Pair::ec(), Pair::ed()]
    }

    /// What the key pair makes of any header and payload; RSA with SHA-512 where the header says so.
    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(payload));
        let rng = SystemRandom::new();
        let signature = match &self.key {
            Key::Rsa(key) => {
                let how = if header.contains("RS512") { &RSA_PKCS1_SHA512 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(how, &rng, message.as_bytes(), &mut signature).expect("a signature");
                signature
            }
            Key::Ec(key) => key.sign(&rng, message.as_bytes()).expect("a signature").as_ref().to_vec(),
            Key::Ed(key) => key.sign(message.as_bytes()).as_ref().to_vec(),
        };
        format!("{message}.{}", encode(signature))
    }
}

/// The set that an issuer with these keys publishes.
pub(crate) fn published(pairs: &[Pair]) -> Vec<u8> {
    let keys: Vec<_> = pairs.iter().map(|pair| &pair.jwk).collect();
    json!({ "keys": keys }).to_string().into_bytes()
}
