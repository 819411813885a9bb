//! JWT authorizers (extension): whose tokens let clients in.

mod issuer;
mod place;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;

use auth::jwt::RefusalKind;
use gateway::{AuthorizerLog, Denied, Known, Question};
use integration::Http;
use mapping::plan::{IdentityValue, RequestAuthorizer};
use types::event::{EventKind, Handshake};
use types::identity::{AuthorizerContext, Identity};
use types::nearest::nearest;

use self::issuer::Issuer;
use self::place::TokenPlace;
use crate::logs::Log;
use crate::seen::now;

pub(crate) use self::settings::{Filed, Settings, read, said};

/// What an authorizer's context says of itself, so that no claim of that name is passed on. Source: documented.
const ITS_OWN: [&str; 2] = ["principalId", "integrationLatency"];

/// The issuers whose tokens are known.
#[derive(Clone, Default)]
pub(crate) struct Issuers {
    by_name: BTreeMap<String, Arc<Issuer>>,
}

impl Issuers {
    /// Those of the settings. Their keys come by `http`, the gateway's own client.
    pub(crate) fn new(settings: &BTreeMap<String, Settings>, http: &Arc<Http>, log: &Log) -> Issuers {
        let issuer = |(name, settings): (&String, &Settings)| {
            (name.clone(), Arc::new(Issuer::new(settings.clone(), http.clone(), log.clone())))
        };
        Issuers { by_name: settings.iter().map(issuer).collect() }
    }

    /// Each issuer, whose keys somebody must [look after](Issuer::follow).
    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<Issuer>> {
        self.by_name.values().cloned()
    }

    /// Who a client is by the token that it brings. `identity` is what it has at the authorizer's identity sources, in their
    /// order, all of them there and not empty; there may be no source.
    pub(crate) async fn authorize(
        &self,
        issuer: &str,
        authorizer: &RequestAuthorizer,
        identity: &[IdentityValue<'_>],
        question: Question<'_>,
        log: &mut AuthorizerLog,
    ) -> Result<Known, Denied> {
        let RequestAuthorizer { name, id, .. } = authorizer;
        let known = match self.by_name.get(issuer) {
            Some(issuer) => self.known(issuer, authorizer, identity, question).await,
            None => Err(Denied::Misconfigured(self.lacks(issuer).unwrap_or_default())),
        };
        let known = known.map_err(|denied| denied.map(|what| format!("authorizer {name} ({id}): {what}")))?;
        let principal = known.identity.authorizer.as_ref().map_or("", |context| &context.principal_id);
        log.principal(principal);
        Ok(known)
    }

    async fn known(
        &self,
        issuer: &Issuer,
        authorizer: &RequestAuthorizer,
        identity: &[IdentityValue<'_>],
        question: Question<'_>,
    ) -> Result<Known, Denied> {
        let none = Handshake::default();
        let handshake = match &question.event.kind {
            EventKind::Connect(handshake) => handshake,
            EventKind::Message(_) | EventKind::Disconnect(_) => &none,
        };
        let Settings { places, expected, principal, .. } = issuer.settings();
        // Where the authorizer itself says that tokens are, they are looked for first.
        let own = identity.iter().filter_map(|value| TokenPlace::of_source(value.source));
        let places: Vec<_> = own.chain(places.iter().cloned()).collect();
        let token = place::find(&places, handshake).map_err(Denied::Unauthorized)?;
        let refused = |refusal: auth::jwt::Refusal| match refusal.kind {
            RefusalKind::Scope => Denied::Forbidden(format!("the token does not do: {refusal}")),
            _ => Denied::Unauthorized(format!("the token is refused: {refusal}")),
        };
        let claims = issuer.claims(&token, authorizer.timeout, refused).await?;
        claims.check(expected, now().seconds()).map_err(refused)?;
        let Some(principal_id) = claims.text(principal).filter(|text| !text.is_empty()) else {
            return Err(Denied::Unauthorized(format!(
                "the token has no claim `{principal}`, which is to be principalId"
            )));
        };
        let passed_on = claims.texts().filter(|(name, _)| !ITS_OWN.contains(name));
        let values = passed_on.map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let context = AuthorizerContext { principal_id: principal_id.to_owned(), values };
        let identity = Identity { authorizer: Some(context), ..Identity::default() };
        Ok(Known { identity, usage_identifier_key: None })
    }

    /// What the settings lack for this issuer's tokens to let anybody in.
    pub(crate) fn lacks(&self, issuer: &str) -> Option<String> {
        if self.by_name.contains_key(issuer) {
            return None;
        }
        let names = self.by_name.keys().map(String::as_str);
        let meant = nearest(issuer, names).map(|name| format!("; it has [jwt.\"{name}\"]")).unwrap_or_default();
        Some(format!("the settings file has no [jwt.\"{issuer}\"], which says for whom the issuer's tokens are{meant}"))
    }
}
