//! Calls of AWS's services: where they go, and the seam for whoever signs them.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use types::headers::Headers;
use types::message::{HttpTarget, IntegrationRequest, ServiceTarget};

use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::http::{self, Call, Http, Received};

/// A call of a service, as it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRequest {
    /// HTTP method, upper case.
    pub method: String,
    /// What `Host` says, such as `dynamodb.us-east-1.amazonaws.com`: AWS's own, whatever address it goes to.
    pub host: String,
    /// As it goes out: escaped.
    pub path: String,
    /// Likewise, without the question mark; may be empty.
    pub query: String,
    /// Every header but `Content-Length`.
    pub headers: Headers,
    /// Its body, whole.
    pub body: Bytes,
    /// The region that the signature is for.
    pub region: String,
    /// The service, as a URI names it, such as `dynamodb`.
    pub service: String,
    /// The role whose credentials sign it (`credentialsArn`); `None`: the gateway's own.
    pub role: Option<String>,
    /// Whether it goes to AWS's own address.
    pub to_aws: bool,
}

/// Signs calls of services.
pub trait Signer: Send + Sync {
    /// Gives the headers that make the call a signed one; they take the place of others of their names. None are given for a
    /// call that may go out unsigned, because it does not go to AWS.
    ///
    /// # Errors
    /// A sentence: there are no credentials, or the role cannot be taken.
    fn sign<'a>(&'a self, request: &'a ServiceRequest) -> Signing<'a>;
}

/// A signature that is being made: credentials may have to be fetched.
pub type Signing<'a> = Pin<Box<dyn Future<Output = Result<Headers, String>> + Send + 'a>>;

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServicePlace {
    /// At AWS's own addresses, where every call is signed.
    Aws,
    /// Somewhere else.
    At(Endpoint),
}

impl std::fmt::Display for ServicePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ServicePlace::Aws => f.write_str("aws"),
            ServicePlace::At(endpoint) => endpoint.fmt(f),
        }
    }
}

/// How services are called: where each is, and who signs; without a signer nothing goes to AWS.
#[derive(Default)]
pub struct Services {
    /// Where services are, by the name that a URI gives them, such as `sqs`.
    pub places: BTreeMap<String, ServicePlace>,
    /// Where all the others are; `None`: nowhere.
    pub others: Option<ServicePlace>,
    /// Who signs.
    pub signer: Option<Arc<dyn Signer>>,
}

impl Services {
    pub(crate) fn have(&self, service: &str) -> bool {
        self.place(service).is_some()
    }

    fn place(&self, service: &str) -> Option<&ServicePlace> {
        self.places.get(service).or(self.others.as_ref())
    }

    pub(crate) async fn call(
        &self,
        http: &Http,
        request: &IntegrationRequest,
        target: &ServiceTarget,
    ) -> Result<Received, Error> {
        let unready = |detail: String| Error::of(ErrorKind::Unready, format!("the service {}", target.service), detail);
        let place = self.place(&target.service);
        let place =
            place.ok_or_else(|| unready("nothing says where services are (setting aws-endpoint)".to_owned()))?;
        let mut headers = request.headers.clone();
        let at = match place {
            ServicePlace::At(endpoint) => endpoint.below(&target.at.path_and_query),
            ServicePlace::Aws => target.at.clone(),
        };
        let to_sign = to_sign(request, target, *place == ServicePlace::Aws);
        sign(self.signer.as_deref(), &to_sign, &mut headers).await.map_err(unready)?;
        http::call(http, &at, None, &Call { headers: &headers, ..Call::of(request) }).await
    }
}

/// Signs a call, if anybody does.
///
/// # Errors
/// The signer's sentence, or that there is none for a call of AWS.
pub(crate) async fn sign(
    signer: Option<&dyn Signer>,
    request: &ServiceRequest,
    headers: &mut Headers,
) -> Result<(), String> {
    let Some(signer) = signer else {
        return if request.to_aws { Err("nobody signs its calls".to_owned()) } else { Ok(()) };
    };
    let signed = signer.sign(request).await?;
    signed.iter().for_each(|(name, value)| headers.set(name.to_owned(), value.to_owned()));
    Ok(())
}

fn to_sign(request: &IntegrationRequest, target: &ServiceTarget, to_aws: bool) -> ServiceRequest {
    let HttpTarget { authority, path_and_query, .. } = &target.at;
    let query = path_and_query.split_once('?').map(|(_, query)| query.to_owned());
    ServiceRequest {
        method: request.method.clone(),
        host: authority.clone(),
        path: target.at.path().to_owned(),
        query: query.unwrap_or_default(),
        headers: request.headers.clone(),
        body: if request.carries_body { request.body.clone() } else { Bytes::new() },
        region: target.region.clone(),
        service: target.service.clone(),
        role: target.role.clone(),
        to_aws,
    }
}
