//! Who calls the control plane, from where, and with what identity.

use std::net::IpAddr;

use http::{Request, header};

/// The longest name of a Region or service that a signature's scope may have.
const SCOPE_NAME_CHARS_MAX: usize = 40;

/// Who makes a call: an argument of every call, so that what may be done, and what was done, can depend on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The address that the call came from; none where the program itself calls.
    pub address: Option<IpAddr>,
    /// What is known of who that is.
    pub identity: Identity,
    /// Whether code that it brings may run on this machine: why not, else.
    pub code: Result<(), String>,
}

/// What is known of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The program itself, such as for `--backend`.
    Program,
    /// Somebody who did not sign.
    Unsigned,
    /// Somebody who signed, with what the signature says it is for, where nothing checks it.
    Claimed(Scope),
    /// Somebody whose signature is right, and the user that it is of.
    Known(Scope, String),
}

/// What a signature says of itself: `Credential=ID/DATE/REGION/SERVICE/aws4_request`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The id of the access key.
    pub access_key_id: String,
    /// The Region that the call is meant for.
    pub region: String,
    /// The service that the call is meant for, such as `apigateway`.
    pub service: String,
}

impl Caller {
    /// The program itself.
    pub fn program() -> Caller {
        Caller { address: None, identity: Identity::Program, code: Ok(()) }
    }

    /// Who sent a request from an address.
    pub fn of<B>(request: &Request<B>, address: Option<IpAddr>) -> Caller {
        let identity = Scope::of(request).map_or(Identity::Unsigned, Identity::Claimed);
        Caller { address, identity, code: Err("nobody looked whether its code may run".to_owned()) }
    }

    /// The same caller, of whose code this was found.
    pub fn with_code(self, code: Result<(), String>) -> Caller {
        Caller { code, ..self }
    }

    /// The same caller, whose signature was found to be a user's.
    pub fn known_as(self, user: &str) -> Caller {
        let identity = match self.identity {
            Identity::Claimed(scope) | Identity::Known(scope, _) => Identity::Known(scope, user.to_owned()),
            other => other,
        };
        Caller { identity, ..self }
    }

    /// The Region that the caller means; none where it names none.
    pub(crate) fn region(&self) -> Option<&str> {
        match &self.identity {
            Identity::Claimed(scope) | Identity::Known(scope, _) => Some(&scope.region),
            Identity::Program | Identity::Unsigned => None,
        }
    }
}

impl Scope {
    /// The scope of a request's signature; none where it has none that can be read.
    pub fn of<B>(request: &Request<B>) -> Option<Scope> {
        let authorization = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
        let scope = authorization.split_once("Credential=")?.1.split(',').next()?;
        let mut parts = scope.split('/');
        let (access_key_id, _date, region, service) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_name = |name: &str| {
            (1..=SCOPE_NAME_CHARS_MAX).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let [access_key_id, region, service] = [access_key_id, region, service].map(str::to_owned);
        (is_name(&region) && is_name(&service)).then_some(Scope { access_key_id, region, service })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_says_which_key_region_and_service_it_is_of() {
        for (authorization, expected) in [
            ("AWS4-HMAC-SHA256 Credential=AKID/20261127/eu-west-1/apigateway/aws4_request, SignedHeaders=host", true),
            ("AWS4-HMAC-SHA256 Credential=AKID/20261127/eu-west-1/apigateway", true),
            ("AWS4-HMAC-SHA256 Credential=AKID/20261127/eu-west-1", false),
            ("AWS4-HMAC-SHA256 Credential=AKID/20261127/<eu>/apigateway/aws4_request", false),
            ("AWS4-HMAC-SHA256 Credential=AKID/20261127/eu-west-1/<script>/aws4_request", false),
            ("Bearer token", false),
        ] {
            let request = Request::builder().header(header::AUTHORIZATION, authorization).body(()).unwrap();
            let caller = Caller::of(&request, None);
            let scope = Scope {
                access_key_id: "AKID".to_owned(),
                region: "eu-west-1".to_owned(),
                service: "apigateway".to_owned(),
            };
            let identity = if expected { Identity::Claimed(scope) } else { Identity::Unsigned };
            assert_eq!(caller.identity, identity, "{authorization}");
            assert_eq!(caller.region(), expected.then_some("eu-west-1"));
        }
    }
}
