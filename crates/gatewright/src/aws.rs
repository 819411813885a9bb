//! Calls of AWS's services and functions, signed: whose key it is, and where they go.
//!
//! Credentials are looked for as AWS's own tools look for them ([`chain`]), kept until shortly before they expire
//! ([`cache`]), and never printed.

mod cache;
mod chain;
mod environment;
mod places;
mod process;
mod profiles;
mod served;
mod sts;
#[cfg(test)]
mod tests;
mod user;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use auth::{SigningCredentials, SigningKeys, SigningScope};
use integration::{Http, ServicePlace, ServiceRequest, Signer, Signing};
use types::headers::Headers;
use types::message::HttpTarget;

use crate::aws::cache::Slot;
use crate::aws::chain::Chain;
use crate::aws::sts::{Ask, Sts};
use crate::choices::LogLevel;
use crate::logs::Log;

pub(crate) use environment::Environment;
pub(crate) use places::{Filed, Own, Places, place, read, said, variables};
pub(crate) use user::User;

/// Roles whose credentials are kept; beyond it all are forgotten and taken anew. They come from definitions.
const ROLES_MAX: usize = 1000;
/// The name that AWS's gateway gives its sessions. Observed on REST APIs.
const SESSION: &str = "BackplaneAssumeRoleSession";
/// Services that signatures name otherwise than URIs. Source: documented (API models, `signingName`).
const SIGNED_AS: [(&str, &str); 1] = [("email", "ses")];

/// An access key with its secret, and until when it holds, in seconds since 1970.
#[derive(Debug)]
struct Key {
    credentials: SigningCredentials,
    expires: Option<u64>,
    /// What was derived of it.
    derived: SigningKeys,
}

/// Why there is no key. Neither names a secret.
#[derive(Clone, Debug)]
enum Trouble {
    /// There is none anywhere; what was looked for.
    Missing(String),
    /// Something says that there is one, and it cannot be had.
    Broken(String),
}

impl Trouble {
    fn text(self) -> String {
        match self {
            Trouble::Missing(text) | Trouble::Broken(text) => text,
        }
    }
}

/// The credentials of this machine, and where they come from.
struct Origin {
    chain: Chain,
    own: Arc<Slot>,
}

impl Origin {
    async fn key(self: &Arc<Origin>) -> Result<Arc<Key>, Trouble> {
        let origin = self.clone();
        self.own.get(cache::now, move || async move { origin.chain.find().await }).await
    }
}

/// Signs with the credentials of this machine, or those of a role.
pub(crate) struct AwsSigner {
    origin: Arc<Origin>,
    /// Where roles are taken also for calls that do not go to AWS.
    own_sts: Option<ServicePlace>,
    roles: Mutex<HashMap<String, Arc<Slot>>>,
    log: Log,
    has_said_roles: AtomicBool,
}

impl AwsSigner {
    /// One that finds credentials by these variables. `region` is that of STS where no variable and no profile says one.
    pub(crate) fn new(environment: Environment, http: Arc<Http>, places: &Places, region: &str, log: Log) -> AwsSigner {
        let chain = Chain {
            environment,
            http,
            sts: places.place("sts").cloned(),
            region: region.to_owned(),
            may_ask_metadata: places.any_is_aws(),
        };
        let own_sts = places.services.get("sts").cloned();
        let has_said_roles = AtomicBool::new(false);
        let origin = Arc::new(Origin { chain, own: Arc::default() });
        AwsSigner { origin, own_sts, roles: Mutex::default(), log, has_said_roles }
    }

    async fn signed(&self, request: &ServiceRequest) -> Result<Headers, String> {
        let key = match self.key(request).await {
            Ok(key) => key,
            // As emulators are mostly called.
            Err(Trouble::Missing(_)) if !request.to_aws => return Ok(Headers::new()),
            Err(trouble) => return Err(trouble.text()),
        };
        let ServiceRequest { method, path, query, headers, body, region, service, .. } = request;
        let headers = headers.iter().map(|(name, value)| (name, value.as_bytes())).collect();
        let to_sign = auth::Request { method, path, query, headers };
        let service = SIGNED_AS.iter().find(|(name, _)| name == service).map_or(service.as_str(), |(_, as_)| as_);
        let scope = SigningScope { region, service };
        Ok(auth::sign(&to_sign, body, scope, &key.credentials, &key.derived, cache::now()).into_iter().collect())
    }

    async fn key(&self, request: &ServiceRequest) -> Result<Arc<Key>, Trouble> {
        let Some(role) = &request.role else { return self.origin.key().await };
        if !role.contains(":role/") {
            let text = format!("credentialsArn {role} is no role: what a caller may do cannot be passed on");
            return Err(Trouble::Broken(text));
        }
        let aws = ServicePlace::Aws;
        let place = match (&self.own_sts, request.to_aws) {
            (Some(place), _) => place,
            (None, true) => &aws,
            (None, false) => {
                let key = self.origin.key().await?;
                if !self.has_said_roles.swap(true, Ordering::Relaxed) {
                    let text = format!(
                        "credentialsArn {role} is not assumed: its calls do not go to AWS, and no address of STS is set \
                         ([services.sts], AWS_ENDPOINT_URL_STS); they are signed with the gateway's own key"
                    );
                    self.log.say(LogLevel::Info, text);
                }
                return Ok(key);
            }
        };
        let slot = self.slot(role);
        if let Some(outcome) = slot.fresh(cache::now()) {
            return outcome;
        }
        let (origin, place, region) = (self.origin.clone(), place.clone(), request.region.clone());
        let role = role.clone();
        let fetch = || async move {
            let own = origin.key().await?;
            let sts = Sts { http: &origin.chain.http, place: &place, region: &region };
            let ask = Ask { role: &role, session: SESSION, more: &[] };
            sts.assume_role(&ask, &own.credentials).await.map_err(Trouble::Broken)
        };
        slot.get(cache::now, fetch).await
    }

    fn slot(&self, role: &str) -> Arc<Slot> {
        let mut roles = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        if roles.len() >= ROLES_MAX && !roles.contains_key(role) {
            roles.clear();
        }
        roles.entry(role.to_owned()).or_default().clone()
    }
}

/// The headers that sign a call of this program to another gateway, as a call of CloudFormation; none where no credentials are
/// found, since a gateway may ask for none.
///
/// # Errors
/// Credentials are there and cannot be read.
pub(crate) async fn signed_as_cloudformation(
    http: &Arc<Http>,
    method: &str,
    target: &HttpTarget,
    headers: &Headers,
    body: &[u8],
) -> Result<Headers, String> {
    let environment = Environment::of_process();
    let region = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| environment.get(name));
    let region = region.unwrap_or_else(|| "us-east-1".to_owned());
    let chain = Chain { environment, http: http.clone(), sts: None, region: region.clone(), may_ask_metadata: false };
    let key = match chain.find().await {
        Ok(key) => key,
        Err(Trouble::Missing(_)) => return Ok(Headers::new()),
        Err(trouble) => return Err(trouble.text()),
    };
    let mut signed = headers.clone();
    signed.set("Host", target.authority.clone());
    let headers = signed.iter().map(|(name, value)| (name, value.as_bytes())).collect();
    let (path, query) = target.path_and_query.split_once('?').unwrap_or((&target.path_and_query, ""));
    let to_sign = auth::Request { method, path, query, headers };
    let scope = SigningScope { region: &region, service: "cloudformation" };
    Ok(auth::sign(&to_sign, body, scope, &key.credentials, &key.derived, cache::now()).into_iter().collect())
}

impl Signer for AwsSigner {
    fn sign<'a>(&'a self, request: &'a ServiceRequest) -> Signing<'a> {
        Box::pin(self.signed(request))
    }
}
