//! Who a client is, as `$connect` found out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Who a client is. Plain data that stays with its connection: messages and `$disconnect` carry it.
///
/// Each part is there only where the `$connect` route asked for it. Source: documented (authorization is evaluated on
/// `$connect` only, and its result stays attached to the connection).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// The API key that opened the stage.
    pub api_key: Option<UsedKey>,
    /// What the API's authorizer said of the client.
    pub authorizer: Option<AuthorizerContext>,
    /// How long whoever was asked for the authorizer took, in ms: `integrationLatency`, which only `$connect` shows (observed).
    pub authorizer_latency: Option<u64>,
    /// Whose signature the handshake bore.
    pub signer: Option<Signer>,
    /// The certificate that the client showed under TLS, whatever the route asked for: ours, where clients are asked for one.
    pub certificate: Option<Arc<ClientCertificate>>,
}

/// A client's certificate, which was checked: `$context.identity.clientCert`, as REST APIs have it (documented).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCertificate {
    /// `clientCertPem`.
    pub pem: String,
    /// `subjectDN`.
    pub subject_dn: String,
    /// `issuerDN`.
    pub issuer_dn: String,
    /// `serialNumber`, in hexadecimal digits with colons.
    pub serial_number: String,
    /// `validity.notBefore`, such as `May 28 12:30:02 2019 GMT`.
    pub not_before: String,
    /// `validity.notAfter`.
    pub not_after: String,
    /// `subjectAlternativeNames`, such as `DNS:client.example.com,URI:spiffe://example/client`; ours.
    pub subject_alternative_names: String,
}

/// An API key that a client showed, and that opens the stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedKey {
    /// `$context.identity.apiKey`: what the client sent.
    pub value: String,
    /// `$context.identity.apiKeyId`.
    pub id: String,
}

/// What an authorizer said of a client that it let in: `$context.authorizer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizerContext {
    /// `$context.authorizer.principalId`.
    pub principal_id: String,
    /// The other keys in the order of the answer. Values are texts, whatever they were (documented).
    pub values: Vec<(String, String)>,
}

impl AuthorizerContext {
    /// `$context.authorizer.{key}`.
    pub fn get(&self, key: &str) -> Option<&str> {
        match key {
            "principalId" => Some(&self.principal_id),
            _ => self.values.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str()),
        }
    }
}

/// Whose signature a handshake bore: the members of `$context.identity` that IAM gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// `$context.identity.accessKey`.
    pub access_key: String,
    /// `$context.identity.accountId`.
    pub account_id: String,
    /// `$context.identity.caller`.
    pub caller: String,
    /// `$context.identity.user`.
    pub user: String,
    /// `$context.identity.userArn`.
    pub user_arn: String,
}
