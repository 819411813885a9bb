//! Calls of AWS's services: where they go, and the seam for whoever signs them.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use types::headers::Headers;
use types::message::{HttpTarget, IntegrationRequest, ServiceTarget};

use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind};
use crate::http::{self, Call, Http, Received};

/// A call of a service, as it is signed: AWS's own host, whatever address it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRequest {
    /// HTTP method, upper case.
    pub method: String,
    /// Such as `dynamodb.us-east-1.amazonaws.com`.
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
    /// The service that the signature is for, such as `dynamodb`.
    pub service: String,
    /// The role whose credentials sign it (`credentialsArn`); `None`: the gateway's own.
    pub role: Option<String>,
}

/// Signs calls of services.
pub trait Signer: Send + Sync {
    /// Gives the headers that make the call a signed one; they take the place of others of their names.
    ///
    /// # Errors
    /// A sentence: there are no credentials, or the role cannot be taken.
    fn sign<'a>(&'a self, request: &'a ServiceRequest) -> Signing<'a>;
}

/// A signature that is being made: credentials may have to be fetched.
pub type Signing<'a> = Pin<Box<dyn Future<Output = Result<Headers, String>> + Send + 'a>>;

/// How services are called: signed, at AWS's own addresses or at another; without a signer unsigned, and only at another.
#[derive(Default)]
pub struct Services {
    /// Stands in place of every service's own address.
    pub endpoint: Option<Endpoint>,
    /// Who signs.
    pub signer: Option<Box<dyn Signer>>,
}

impl Services {
    pub(crate) fn are_ready(&self) -> bool {
        self.endpoint.is_some() || self.signer.is_some()
    }

    pub(crate) async fn call(
        &self,
        http: &Http,
        request: &IntegrationRequest,
        target: &ServiceTarget,
    ) -> Result<Received, Error> {
        let unready = |detail| Error::of(ErrorKind::Unready, format!("the service {}", target.service), detail);
        let mut headers = request.headers.clone();
        let at = match (&self.endpoint, &self.signer) {
            (Some(endpoint), _) => endpoint.below(&target.at.path_and_query),
            (None, Some(_)) => target.at.clone(),
            (None, None) => return Err(unready("nothing says where services are (setting aws-endpoint)".to_owned())),
        };
        if let Some(signer) = &self.signer {
            let signed = signer.sign(&to_sign(request, target)).await.map_err(unready)?;
            signed.iter().for_each(|(name, value)| headers.set(name.to_owned(), value.to_owned()));
        }
        http::call(http, &at, None, &Call { headers: &headers, ..Call::of(request) }).await
    }
}

fn to_sign(request: &IntegrationRequest, target: &ServiceTarget) -> ServiceRequest {
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
    }
}
