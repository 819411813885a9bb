//! JWT authorizers (extension): whose tokens let clients in.

use gateway::{AuthorizerLog, Denied, Known, Question};
use mapping::plan::{IdentityValue, RequestAuthorizer};

/// The issuers whose tokens are known.
#[derive(Default)]
pub(crate) struct Issuers {}

impl Issuers {
    /// Who a client is by the token that it brings. `identity` is what it has at the authorizer's identity sources, in their
    /// order, all of them there and not empty; there may be no source.
    pub(crate) async fn authorize(
        &self,
        issuer: &str,
        authorizer: &RequestAuthorizer,
        _identity: &[IdentityValue<'_>],
        _question: Question<'_>,
        _log: &mut AuthorizerLog,
    ) -> Result<Known, Denied> {
        let RequestAuthorizer { name, id, .. } = authorizer;
        Err(Denied::Misconfigured(format!("authorizer {name} ({id}): there are no settings for the issuer {issuer}")))
    }
}
