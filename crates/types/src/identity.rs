//! Who a client is, as `$connect` found out.

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
