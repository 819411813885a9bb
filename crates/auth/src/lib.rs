//! Who may do what: AWS signatures, access keys, IAM policies, and tokens of issuers.
//!
//! A [`Claim`] is what a request says of its signature; [`Credentials`] tell whether it is true, and whose [`AccessKey`] it
//! is. The key's policies are asked with [`evaluate`], which answers with the statement that decided, or with the nearest
//! miss. Tokens are a module of their own, [`jwt`]. Everything is a function of its arguments: time, keys and documents are handed in.

mod arn;
mod credentials;
mod encoding;
pub mod jwt;
mod policy;
mod refusal;
mod secret;
mod sigv4;
mod strict_json;
mod time;

pub use arn::{connect_resource, control_resource, push_resource, user_arn};
pub use credentials::{AccessKey, Credentials, Outside};
pub use policy::evaluate::{Decision, Question, Verdict, evaluate};
pub use policy::keys::Keys;
pub use policy::{Policy, PolicyError};
pub use refusal::{Refusal, RefusalKind};
pub use secret::Secret;
pub use sigv4::{Claim, Expected, Request, SigningCredentials, SigningKeys, SigningScope, sign};
pub use time::from_iso as seconds_from_iso;
